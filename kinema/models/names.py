"""Tables of the names that models are made of; `kinema.models.model_name` reads them.

What they say of one model stands in the digests of its rules, so a new line makes no other model stale. The Snakefile
imports this module on every call: it imports nothing heavy.
"""

import difflib

# Decoder -> the module that registers it. The workflow puts a digest of that one module into an experiment's rules.
DECODERS: dict[str, str] = {
    "attn_lstm": "kinema.models.lstm",
    "attn_pool": "kinema.models.attn_pool",
    "baseline": "kinema.models.baseline",
    "gru": "kinema.models.gru",
    "lstm": "kinema.models.lstm",
    "tcn": "kinema.models.tcn",
    "tsm": "kinema.models.tsm",
    "vtn": "kinema.models.vtn",
}

# Decoder -> why its models cannot be cut into an encoder of single frames and a decoder. A test asks the networks.
# Where `network.bidirectional` is false, such an encoder can be given what it carries from frame to frame.
INSEPARABLE: dict[str, str] = {"tsm": "its encoder mixes neighbouring frames"}

# What ENCODER_DECODER looks at, where it is not RGB frames -> the meaning. Every decoder can be used with each.
STREAMS: dict[str, str] = {
    "rgbdiff": "differences of neighbouring RGB frames",
    "flow": "optical flow",
    "two_stream": "RGB frames, and their differences in a second network; logits averaged",
    "two_stream_flow": "RGB frames, and optical flow in a second network; logits averaged",
}

# Stream -> what the network takes, where it is not RGB. A two-stream network -> the stream beside its RGB network.
MODALITIES: dict[str, str] = {"flow": "flow", "two_stream_flow": "rgb+flow"}
MOTION: dict[str, str] = {"two_stream": "rgbdiff", "two_stream_flow": "flow"}

# Network over whole clips -> the module that registers it.
CLIP_NETWORKS: dict[str, str] = {
    "densenet201_3d": "kinema.models.densenet3d",
    "inception_i3d": "kinema.models.i3d",
    "mc3_18": "kinema.models.resnet3d",
    "mvit_v2_s": "kinema.models.torchvision_video",
    "r2+1d_18": "kinema.models.resnet3d",
    "r2+1d_34": "kinema.models.resnet3d",
    "r2+1d_50": "kinema.models.resnet3d",
    "r2+1d_101": "kinema.models.resnet3d",
    "r2+1d_152": "kinema.models.resnet3d",
    "r3d_18": "kinema.models.resnet3d",
    "r3d_34": "kinema.models.resnet3d",
    "r3d_50": "kinema.models.resnet3d",
    "r3d_101": "kinema.models.resnet3d",
    "r3d_152": "kinema.models.resnet3d",
    "s3d": "kinema.models.torchvision_video",
    "swin3d_t": "kinema.models.torchvision_video",
}

# The same of `transformers`: what such a network is stands in the files that `network.encoder_weights: hf:...` names.
# These decoders may join what it says of a clip, in the place of a mean.
HUB_NETWORKS: dict[str, str] = {"videomae": "kinema.models.hub_networks", "vjepa2": "kinema.models.hub_networks"}
HUB_DECODERS = ("attn_pool",)

# Clip network -> torchvision's name of it, where torchvision publishes weights (Kinetics-400).
TORCHVISION: dict[str, str] = {
    "mc3_18": "mc3_18",
    "mvit_v2_s": "mvit_v2_s",
    "r2+1d_18": "r2plus1d_18",
    "r3d_18": "r3d_18",
    "s3d": "s3d",
    "swin3d_t": "swin3d_t",
}

# Library that publishes weights -> the ending of the files in which they are kept here.
WEIGHTS_ENDINGS: dict[str, str] = {
    "timm": ".safetensors",
    "torchvision": ".pth",
    "transformers": ".safetensors",
}

# Our name -> timm's. Any other timm model works as well, by timm's own name.
ENCODERS: dict[str, str] = {
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b2": "efficientnet_b2",
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
    "efficientnet_lite4": "tf_efficientnet_lite4",
    "mobilenetv2": "mobilenetv2_100",
    "mobilenetv3_large_100": "mobilenetv3_large_100",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "regnety_004": "regnety_004",
    "regnety_016": "regnety_016",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "rmnet": "rmnet",
    "se_resnext50_32x4d": "legacy_seresnext50_32x4d",
    "se_resnext101_32x4d": "legacy_seresnext101_32x4d",
}

# Encoders that timm does not have -> the module that registers them.
OWN_ENCODERS: dict[str, str] = {"rmnet": "kinema.models.rmnet"}

# Clip network -> the fewest frames of a clip that it takes, where that is more than one. A test asks the networks.
MIN_FRAMES: dict[str, int] = {"s3d": 5}

# Models whose graph torch's older exporter takes, by tracing: OpenVINO cannot read what the newer one, dynamo, makes of
# them. It knows no later operator set.
TRACED, TRACED_MAX_OPSET = ("swin3d_t",), 20
# Bytes of weights at float32 that an ONNX file can have: it is one message of protobuf.
LARGEST_ONNX = 2**31
# Model -> why it cannot be exported, with what to do. There is none today.
EXPORT_OBSTACLES: dict[str, str] = {}


def unknown_model(text: str, reason: str) -> str:
    """What to tell about a name that is none: the nearest one, and all there are."""
    endings = [*DECODERS, *(f"{decoder}_{stream}" for decoder in DECODERS for stream in STREAMS)]
    candidates = [*(f"{encoder}_{ending}" for encoder in ENCODERS for ending in endings), *CLIP_NETWORKS, *HUB_NETWORKS]
    close = difflib.get_close_matches(text.replace("-", "_"), candidates, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    clip_networks = [*CLIP_NETWORKS, *HUB_NETWORKS]
    return (
        f"model '{text}': {reason}{hint} A model is ENCODER_DECODER, ENCODER_DECODER_STREAM or a clip network. "
        f"Decoders: {', '.join(sorted(DECODERS))}. Streams: {', '.join(STREAMS)}. "
        f"Clip networks: {', '.join(clip_networks)}. Encoders: {', '.join(ENCODERS)}, or any timm model."
    )

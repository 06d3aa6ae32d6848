"""Raw videos -> shards of JPEG frames, one job a shard.

in   results/*/annotation.json of every data set of the corpus; the video folder, scanned once
out  prepared/{corpus}/{recipe}/plan.json            shard -> digest of its manifest (manifests/ lies beside it)
     prepared/{corpus}/{recipe}/shards/NNNN.parquet  kinema.media.shard.SHARD_SCHEMA
beside them, not declared, because Snakemake would delete what makes the next run incremental:
     shards/NNNN.tar                           storage packed: frames and a record a video, readable by WebDataset
     frames/<label>/<video>/image_00001.jpg    storage frames
     videos/<label>/<video>.mp4                storage video
     shards/NNNN.jsonl                         storages frames and video: the record of every video
     shards/NNNN.retry                         which videos the next run tries again
     shards/NNNN.arrow                         the Parquet table once more, for loaders to map into memory
"""


checkpoint plan:
    """Find the file of every listed video and deal the videos out to shards by a fixed hash.

    A large extraction is estimated, and fails here where the disk cannot hold it.
    """
    input:
        annotations=ancient(corpus_annotations),
        rendered=rendered_videos,
    output:
        plan="prepared/{corpus}/{recipe}/plan.json",
    log:
        "logs/{corpus}/{recipe}/plan.log",
    benchmark:
        "logs/{corpus}/{recipe}/plan.benchmark.tsv"
    conda:
        "../../envs/media.yaml"
    threads: 2
    resources:
        # for an estimate of what a large extraction takes; no part of the plan
        media=media_settings,
        limits=media_limits,
        trial_ffmpeg=CONFIG.ffmpeg or "",
        all_cores=all_cores,
    params:
        annotations=corpus_contents,
        videos=lambda wildcards: corpus_dataset(wildcards).videos,
        num_shards=lambda wildcards: corpus_dataset(wildcards).num_shards,
        with_labels=has_label_folders,
        listing=videos_listing,
        failures=failures("prepared/{corpus}/{recipe}/plan.json"),
        code=code("plan", "kinema.media.plan"),
    script:
        "../scripts/plan.py"


rule shard:
    """Decode the videos of one shard; what is stored and still valid is kept, so only new videos are decoded."""
    input:
        # ancient: a new plan alone re-runs nothing, a new digest of this shard does
        plan=ancient("prepared/{corpus}/{recipe}/plan.json"),
    output:
        table="prepared/{corpus}/{recipe}/shards/{shard}.parquet",
    log:
        "logs/{corpus}/{recipe}/shard_{shard}.log",
    benchmark:
        "logs/{corpus}/{recipe}/shard_{shard}.benchmark.tsv"
    conda:
        "../../envs/media.yaml"
    threads: 2
    resources:
        mem_mb=1000,
        # what changes no frame is no param, so that it re-runs nothing
        limits=media_limits,
        ffmpeg=CONFIG.ffmpeg or "",
    params:
        digest=this_shard_digest,
        media=media_settings,
        ffmpeg=ffmpeg_digest(CONFIG.ffmpeg),
        # another number where videos that failed are worth another try
        attempt=shard_attempt,
        failures=failures("prepared/{corpus}/{recipe}/shards/{shard}.parquet"),
        code=code("shard", "kinema.media.shard"),
    script:
        "../scripts/shard.py"

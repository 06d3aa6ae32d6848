"""Raw videos -> shards of JPEG frames, one job a shard.

in   results/*/annotation.json of every data set of the corpus; the video folder, scanned once
out  prepared/{corpus}/{recipe}/plan.json            shard -> digest of its manifest (manifests/ lies beside it)
     prepared/{corpus}/{recipe}/shards/NNNN.tar      frames and a record of every video, readable by WebDataset
     prepared/{corpus}/{recipe}/shards/NNNN.parquet  kinema.media.shard.SHARD_SCHEMA
"""


checkpoint plan:
    """Find the file of every listed video and deal the videos out to shards by a fixed hash."""
    input:
        annotations=corpus_annotations,
        rendered=rendered_videos,
    output:
        plan="prepared/{corpus}/{recipe}/plan.json",
    log:
        "logs/{corpus}/{recipe}/plan.log",
    conda:
        "../../envs/media.yaml"
    params:
        videos=lambda wildcards: corpus_dataset(wildcards).videos,
        num_shards=lambda wildcards: corpus_dataset(wildcards).num_shards,
        listing=videos_listing,
        code=code("plan"),
    script:
        "../scripts/plan.py"


rule shard:
    """Decode the videos of one shard; what the old tar already holds is kept, so only new videos are decoded."""
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
    params:
        # no declared output: Snakemake would delete or copy it, and it is what makes the next run incremental
        tar="prepared/{corpus}/{recipe}/shards/{shard}.tar",
        digest=this_shard_digest,
        media=corpus_media,
        ffmpeg=CONFIG.ffmpeg,
        code=code("shard"),
    script:
        "../scripts/shard.py"

"""Which files are opened as videos: those of formats that keep all of a video in one file.

Others (playlists, session descriptions, lists of parts, patterns of picture names) are text that names further files
or addresses, which a library then reads: one in a folder of videos could reach whatever this machine can. ffmpeg asks
for the list before it reads a header; a name that a build does not know does no harm.
"""

# As ffmpeg calls them, releases 4.2 to 9. One belongs here if its reader opens nothing but the file that it was given.
VIDEO = """
    mov matroska avi asf flv live_flv kux mpegts mpeg ogg nut mxf gxf lxf rm ivr wtv ty nuv pva nsv swf dv yuv4mpegpipe
    gif apng webp_anim jpegxl_anim mpegvideo m4v h261 h263 h264 hevc vvc evc av1 obu ivf vc1 vc1test apv cavsvideo avs2
    avs3 dirac dnxhd mjpeg mjpeg_2000 smjpeg mpjpeg ingenient ipu mxg cine r3d ser fits dhav ifv hxvs lmlm4 iv8 luodat
    nc pmp mtv moflex vivo vividas mods msnwctcp simbiosis_imx filmstrip frm flic anm cdg cdxl iff pdv psxstr usm 4xm
    argo_brp avs bethsoftvid bfi bink bmv c93 dfa dsicin dxa ea film_cpk gdv hnm idcin ipmovie jv mgsts mm mv mvi paf
    rl2 roq rpl sga siff smk smush thp tiertexseq tmv vmd wc3movie wsvqa xmv yop
"""
# Streams of pictures, for which a raw MJPEG file passes; a single picture is a video of one frame.
PICTURES = """
    jpeg_pipe jpegls_pipe jpegxl_pipe png_pipe webp_pipe gif_pipe bmp_pipe tiff_pipe j2k_pipe dpx_pipe exr_pipe
    hdr_pipe cri_pipe pam_pipe pbm_pipe pgm_pipe ppm_pipe pcx_pipe psd_pipe qoi_pipe sgi_pipe sunrast_pipe dds_pipe ico
"""
# They have no video, which is the better reason why nothing comes of them.
SOUND_AND_SUBTITLES = """
    3dostr aa aac aax ac3 ac4 ace acm act adp ads adx aea afc aiff aix amr amrnb amrwb apac ape apm ast au avr bfstm
    boa bonk brstm caf codec2 dcstr derf dsf dss dts dtshd eac3 epaf flac fsb fwse genh hca hcom iamf ilbc ircam iss
    kvag laf lc3 loas lvf mca mlp mmf mp3 mpc mpc8 msf mtaf musx nistsphere nsp oma osq pp_bnk pvf qcp qoa redspark rka
    rsd rso scd sdns sdr2 sds sdx shn sol sox spdif svag svs tak truehd tta vag voc vpk vqf w64 wady wav wavarc wsaud
    wsd wv wve xa xmd xvag xwma ass jacosub lrc microdvd mpl2 mpsub pjs realtext sami scc srt stl subviewer subviewer1
    sup vplayer webvtt
"""
# Options of libavformat, for PyAV and for an input of ffmpeg alike.
SELF_CONTAINED = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join((VIDEO + PICTURES + SOUND_AND_SUBTITLES).split()),
}

from __future__ import annotations

import pytest

from services.adapters.rtsp_replies import Redirected, RtspReplies

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
DESCRIBED = b"RTSP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nv=0\n"
MEDIA = b"$\x00\x00\x05RTSP/"
MOVED = b"RTSP/1.0 302 Found\r\nLocation: rtsp://10.0.0.1/x\r\n\r\n"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_replies_and_media_pass_as_they_are_however_they_are_cut(size: int) -> None:
    said = OK + DESCRIBED + MEDIA + OK + b"OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n" + MEDIA
    replies = RtspReplies()

    assert b"".join(replies.passed(said[at : at + size]) for at in range(0, len(said), size)) == said


@pytest.mark.parametrize(
    "said",
    [
        MOVED,
        OK + MOVED,
        DESCRIBED + MEDIA + MOVED,
        # ffmpeg drops carriage returns, skips blanks before and between words, and reads a number as far as it goes
        MOVED.replace(b"RTSP", b"R\rTSP", 1),
        b" " + MOVED,
        MOVED.replace(b" 302", b"\t302"),
        MOVED.replace(b" 302", b"  302"),
        MOVED.replace(b" 302", b" +302"),
        # what the two would not count alike hides a redirect in what one takes for a body or for media
        OK[:-2] + b"Content-Length : 90\r\n\r\n" + MOVED,
        OK[:-2] + b"Content-Length: 1\r\nContent-Length: 90\r\n\r\n" + MOVED,
        OK[:-2] + b"$\x00\x00\x02\r\n\r\n" + MOVED,
        b"\r" + MEDIA + MOVED,
        b"RTSP/1.0 200 OK" + b" " * 2000,
    ],
)
def test_neither_a_redirect_nor_what_could_be_read_as_one_passes(said: bytes) -> None:
    replies = RtspReplies()

    with pytest.raises(Redirected):
        replies.passed(said)

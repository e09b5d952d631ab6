#!/usr/bin/env bash
# Builds ffmpeg for the images from Debian's own source package: its release, its security fixes, its signature (apt
# checks it). Debian's binary package would bring 200 others (a desktop's graphics stack, LLVM, speech synthesis): 100 MB
# of a compressed image, 33 MB more memory for each ffmpeg, and that much more to patch. Here are all of ffmpeg's own
# codecs, formats and filters, and of other people's code what streams are made with.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >/etc/apt/sources.list.d/source.sources
apt-get update -q
apt-get install -q -y --no-install-recommends dpkg-dev g++ gcc libc6-dev make nasm patch pkgconf \
  libdav1d-dev libfontconfig-dev libfreetype-dev libfribidi-dev libharfbuzz-dev libmp3lame-dev libsrt-openssl-dev \
  libssl-dev libwebp-dev libx264-dev libx265-dev zlib1g-dev

mkdir /ffmpeg
cd /ffmpeg
apt-get source -q --download-only ffmpeg
dpkg-source --no-check --extract ffmpeg_*.dsc source # apt has compared the hashes with the signed list
cd source
./configure --prefix=/usr/local --toolchain=hardened --enable-rpath --enable-shared --disable-static \
  --disable-autodetect --disable-debug --disable-doc --disable-ffplay \
  --disable-indevs --disable-outdevs --enable-indev=lavfi \
  --enable-gpl --enable-version3 --enable-openssl --enable-zlib --enable-libdav1d --enable-libfontconfig \
  --enable-libfreetype --enable-libfribidi --enable-libharfbuzz --enable-libmp3lame --enable-libsrt --enable-libwebp \
  --enable-libx264 --enable-libx265
make -j"$(nproc)"
make install-progs install-libs

# Whoever is given the image is owed the licence and the source's name.
install -D -m 644 -t /usr/local/share/doc/ffmpeg COPYING.GPLv3 debian/copyright
(cd .. && echo ffmpeg_*.dsc) >/usr/local/share/doc/ffmpeg/source-package
rm -rf /usr/local/lib/pkgconfig

# The host's random numbers.
differ() { [ "$(head -c 32 /dev/hwrng | md5sum)" != "$(head -c 32 /dev/hwrng | md5sum)" ]; }

mount -t devtmpfs dev /dev
check device test -c /dev/hwrng
check bytes is 1000 sh -c 'head -c 1000 /dev/hwrng | wc -c'
check differ differ

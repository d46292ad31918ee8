# Disks: `make block-tests` boots with virtio and NVMe disks and lets Debian's tools judge them (tests/block).

block-tests: kernel ## disks, judged by fio, nvme-cli, losetup, sfdisk, e2fsck
	@tests/block/run

.PHONY: block-tests

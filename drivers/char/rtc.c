/*
 * /dev/rtc0: the machine's clock as hwclock(8) sees it: it can be read; setting and alarms are not there.
 *
 * The CMOS clock is read once, by the platform, at boot; here time goes on from that.
 *
 * Source: rtc(4), <linux/rtc.h>; civil-from-days after Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013.
 */
#include <linux/errno.h>
#include <linux/rtc.h>
#include "base/printf.h"
#include "drivers/char/char.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "vfs/device.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { RTC_MAJOR = 252 };

static void civil_from_seconds(u64 sec, struct rtc_time *out)
{
	u64 days = sec / 86400;
	u64 z = days + 719468;
	u64 era = z / 146097;
	u32 doe = z - era * 146097;
	u32 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	u32 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	u32 mp = (5 * doy + 2) / 153;
	u32 month = mp < 10 ? mp + 3 : mp - 9;
	u32 year = yoe + era * 400 + (month <= 2);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	out->tm_sec = sec % 60;
	out->tm_min = sec / 60 % 60;
	out->tm_hour = sec / 3600 % 24;
	out->tm_mday = doy - (153 * mp + 2) / 5 + 1;
	out->tm_mon = month - 1;
	out->tm_year = year - 1900;
	out->tm_wday = (days + 4) % 7;
	out->tm_yday = month > 2 ? doy + 59 + leap : doy - 306;
	out->tm_isdst = 0;
}

static u64 machine_seconds(void)
{
	return (plat_wall_boot_ns() + plat_mono_ns()) / NS_PER_SEC;
}

static s64 rtc_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct rtc_time now;

	if (cmd != RTC_RD_TIME)
		return cmd == RTC_SET_TIME ? -EINVAL : -ENOTTY;
	civil_from_seconds(machine_seconds(), &now);
	return copy_out(uaddr(arg), &now, sizeof(now));
}

static size_t show_since_epoch(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", machine_seconds());
}

static size_t show_name(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "rtc_cmos\n");
}

static size_t show_hctosys(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "1\n");
}

static const struct devattr rtc_attrs[] = {
	{ "since_epoch", show_since_epoch, NULL },
	{ "name", show_name, NULL },
	{ "hctosys", show_hctosys, NULL },
	{ NULL },
};

static const struct file_ops rtc_ops = { .ioctl = rtc_ioctl, .seek = file_seek_none };
static struct chrdev rtc_chrdev = { .major = RTC_MAJOR, .minor_first = 0, .minor_count = 1, .ops = &rtc_ops, .name = "rtc" };
static struct devnode rtc_node = { .name = "rtc0", .class = "rtc", .mode = S_IFCHR | 0600, .attrs = rtc_attrs };

void rtc_init(void)
{
	rtc_node.rdev = dev_make(RTC_MAJOR, 0);
	chrdev_register(&rtc_chrdev);
	devnode_add(&rtc_node);
}

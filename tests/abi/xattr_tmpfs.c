/* Extended attributes on tmpfs, and their errors. */
#include "abi.h"
#include <sys/xattr.h>

void abi_test(void)
{
	char text[256], big[70000];

	put_file("f", "", 0644);
	RET("get none", getxattr("f", "trusted.a", text, sizeof(text)));
	RET("list none", listxattr("f", text, sizeof(text)));
	OK("set", setxattr("f", "trusted.a", "value", 5, 0));
	RET("get", getxattr("f", "trusted.a", text, sizeof(text)));
	say("value", "%.5s", text);
	RET("ask for its size", getxattr("f", "trusted.a", NULL, 0));
	RET("too small", getxattr("f", "trusted.a", text, 3));
	RET("XATTR_CREATE on one", setxattr("f", "trusted.a", "v", 1, XATTR_CREATE));
	OK("XATTR_REPLACE on one", setxattr("f", "trusted.a", "v2", 2, XATTR_REPLACE));
	RET("XATTR_REPLACE on none", setxattr("f", "trusted.b", "v", 1, XATTR_REPLACE));
	RET("bad flags", setxattr("f", "trusted.b", "v", 1, 8));
	OK("empty value", setxattr("f", "trusted.e", "", 0, 0));
	RET("its size", getxattr("f", "trusted.e", text, sizeof(text)));
	RET("list", listxattr("f", text, sizeof(text)));
	RET("list too small", listxattr("f", text, 5));
	RET("user attributes", setxattr("f", "user.a", "v", 1, 0));
	RET("unknown name space", setxattr("f", "nonsense.a", "v", 1, 0));
	RET("no name space", setxattr("f", "plain", "v", 1, 0));
	RET("only a prefix", setxattr("f", "trusted.", "v", 1, 0));
	RET("empty name", setxattr("f", "", "v", 1, 0));
	memset(text, 'n', sizeof(text));
	memcpy(text, "trusted.", 8);
	text[255] = 0;
	OK("name of 255", setxattr("f", text, "v", 1, 0));
	char name[300];
	memset(name, 'n', sizeof(name));
	memcpy(name, "trusted.", 8);
	name[256] = 0;
	RET("name of 256", setxattr("f", name, "v", 1, 0));
	RET("value over 64 KiB", setxattr("f", "trusted.big", big, 65537, 0));
	OK("security", setxattr("f", "security.x", "v", 1, 0));
	OK("remove", removexattr("f", "trusted.a"));
	RET("remove again", removexattr("f", "trusted.a"));
	APART(
		become(1000);
		RET("a user cannot set trusted", setxattr("f", "trusted.c", "v", 1, 0));
		RET("nor see it", getxattr("f", "trusted.e", text, sizeof(text)));
	);
	symlink("f", "s");
	OK("on a link itself", lsetxattr("s", "trusted.l", "v", 1, 0));
	RET("not on its target", getxattr("f", "trusted.l", text, sizeof(text)));
	RET("missing file", getxattr("nix", "trusted.a", text, sizeof(text)));
	RET("bad descriptor", fgetxattr(99, "trusted.a", text, sizeof(text)));
	RET("descriptor", fgetxattr(open("f", O_RDONLY), "trusted.e", text, sizeof(text)));
	RET("bad address", getxattr("f", (char *)8, text, sizeof(text)));
	RET("on proc", setxattr("/proc/self/stat", "user.a", "v", 1, 0));
	RET("ACL of none", getxattr("f", "system.posix_acl_access", text, sizeof(text)));
}

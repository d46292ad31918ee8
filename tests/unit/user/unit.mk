UNIT_SRC_user/test_dhcp := user/auk-init/dhcp.c

/* Whether KVM can be used here. */
#ifndef AUK_PROBE_H
#define AUK_PROBE_H

#include <stdbool.h>

/**
 * probe_kvm - run a small guest under KVM and see whether it gets to its end
 * Opening /dev/kvm proves nothing: there are hosts where it opens and guests then hang.
 * The answer is remembered until the host boots again.
 */
bool probe_kvm(void);

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef BARID_ACCEPT_H
#define BARID_ACCEPT_H

#include <stdbool.h>

/// Has connections of a listener accepted at a bounded pace, whoever calls accept4() for it.
///
/// What comes faster waits in the listener's queue. All listeners served by one thread share its
/// pace. Up to 64 listeners at once are paced; a further one is not.
void barid_pace(int listener);

/// Lets a listener go; its number may be another's from now on.
void barid_unpace(int listener);

/// Whether descriptors have run out at a paced listener since this was last asked.
bool barid_accept_fell_short(void);

#endif

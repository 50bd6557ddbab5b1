// SPDX-License-Identifier: Apache-2.0
#ifndef BARID_CZEROMQ_SHIM_H
#define BARID_CZEROMQ_SHIM_H

#include <errno.h>
#include <string.h>
#include <zmq.h>

// Error numbers as plain constants: some of zmq.h's are sums that Swift does not import.
static const int barid_eagain = EAGAIN;
static const int barid_eintr = EINTR;
static const int barid_ehostunreach = EHOSTUNREACH;
static const int barid_efault = EFAULT;
static const int barid_einval = EINVAL;
static const int barid_enotsock = ENOTSOCK;
static const int barid_efsm = EFSM;
static const int barid_eterm = ETERM;

// ZMQ_ZAP_ENFORCE_DOMAIN stands in the draft block of zmq.h, but Debian's library knows it.
static const int barid_zap_enforce_domain = 93;

#endif

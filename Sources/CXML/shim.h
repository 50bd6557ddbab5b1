// SPDX-License-Identifier: Apache-2.0
// The part of libxml2 that the XES room uses: the streaming reader and its error reports.

// Debian's libxml2 is built with ICU and its headers pull in ICU's, whose types then collide with
// the copy of ICU inside Foundation. Without the mark only the last fields of a structure that the
// reader never hands out are hidden.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlreader.h>

/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rainforest

#ifdef RF_NO_TRACE	/* in tests: a module of the same name has these events */
#define trace_rf_phase(...) do { } while (0)
#define trace_rf_resize(...) do { } while (0)
#elif !defined(_RF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RF_TRACE_H

#include <linux/tracepoint.h>

#include "rfcontroller.h"

/* A subOS was asked for something, and answered: op and status of rf/abi/con.h */
TRACE_EVENT(rf_resize,
	TP_PROTO(const struct rf_subos *s, u16 op, u64 what, int status),
	TP_ARGS(s, op, what, status),
	TP_STRUCT__entry(
		__string(name, s->name)
		__field(u16, op)
		__field(u64, what)
		__field(int, status)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->op = op;
		__entry->what = what;
		__entry->status = status;
	),
	TP_printk("subos=%s op=%u what=%#llx status=%d", __get_str(name), __entry->op,
		  __entry->what, __entry->status)
);

/* A phase of an operation is over */
TRACE_EVENT(rf_phase,
	TP_PROTO(const struct rf_subos *s, const char *phase, u64 ns),
	TP_ARGS(s, phase, ns),
	TP_STRUCT__entry(
		__string(name, s->name)
		__string(phase, phase)
		__field(u64, ns)
	),
	TP_fast_assign(
		__assign_str(name);
		__assign_str(phase);
		__entry->ns = ns;
	),
	TP_printk("subos=%s phase=%s ns=%llu", __get_str(name), __get_str(phase), __entry->ns)
);

#endif /* _RF_TRACE_H */

#ifndef RF_NO_TRACE
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The message ring's protocol (include/rf/abi/ring.h, include/rf/msgring.h) for
 * Spin: doorbells that are left out, credits, and a communication core that
 * moves while its old CPU goes offline and loses what was on its way there.
 *
 * Stores wait in a buffer before others see them, as on x86 (TSO), so that a
 * barrier that is missing is found: each party has room for one store, which
 * is all that it takes. xchg and mb empty it.
 *
 * Property: when nobody can do anything any more, all messages were received.
 * With -D one of the FAULT_s below it must not hold; tests/unit/31-spin sees to
 * both.
 *
 *	FAULT_SEND_MB	no barrier between sequence word and notify
 *	FAULT_ARM_MB	no barrier between notify and the last look
 *	FAULT_ARM_LOOK	no last look
 *	FAULT_SPURIOUS	a doorbell that finds nothing does not ask for the next one: it
 *			was for a message that had been taken before, and took notify away
 *	FAULT_WANT_MB	no barrier between waiting and tail
 *	FAULT_TELL_MB	no barrier between tail and waiting
 *	FAULT_BELL_EARLY the sender reads bell before its xchg
 *	FAULT_MOVE_LOOK	who moves does not look again
 *	FAULT_MOVE_MB	no barrier between bell and that look
 */
#define N	3	/* messages */
#define SIZE	2	/* slots */
#define MOVES	2

byte pub, tail, bell;		/* pub: the last sequence word released */
bit notify, waiting;
bit irq[2];			/* an interrupt for core 0 or 1 is on its way */
bit online[2];
bit room;			/* an interrupt for the sender */

/* the stores that others don't see yet: of the sender, of the receiver */
mtype = { NONE, PUB, WAITING, TAIL, NOTIFY, BELL };
mtype sbuf = NONE, rbuf = NONE;
byte sval, rval;

/* the receiver's own, under its lock */
bit lock;
byte pos, told;
bit armed;

bit sent_all;

inline drain_s() {
	if
	:: sbuf == PUB -> pub = sval
	:: sbuf == WAITING -> waiting = sval
	:: else
	fi;
	sbuf = NONE
}

inline drain_r() {
	if
	:: rbuf == TAIL -> tail = rval
	:: rbuf == NOTIFY -> notify = rval
	:: rbuf == BELL -> bell = rval
	:: else
	fi;
	rbuf = NONE
}

inline store_s(what, v) { atomic { drain_s(); sbuf = what; sval = v } }
inline store_r(what, v) { atomic { drain_r(); rbuf = what; rval = v } }
inline mb_s() { atomic { drain_s() } }
inline mb_r() { atomic { drain_r() } }

/* who has stored it himself sees it at once */
#define my_notify	(rbuf == NOTIFY -> rval : notify)

/* buffers empty themselves at any time */
active proctype memory()
{
end:	do
	:: atomic { sbuf != NONE -> drain_s() }
	:: atomic { rbuf != NONE -> drain_r() }
	od
}

active proctype sender()
{
	byte head, seen, to;
	bit had;

	do
	:: head == N -> break
	:: head < N && head - seen < SIZE ->
		head++;
		store_s(PUB, head);
#ifndef FAULT_SEND_MB
		mb_s();
#endif
#ifdef FAULT_BELL_EARLY
		to = bell;
#endif
		if
		:: notify ->
			atomic { drain_s(); had = notify; notify = 0 };
			if
			:: had ->
#ifndef FAULT_BELL_EARLY
				to = bell;
#endif
				irq[to] = 1
			:: else
			fi
		:: else
		fi
	:: head < N && head - seen == SIZE ->
		seen = tail;
		if
		:: head - seen == SIZE ->
			store_s(WAITING, 1);
#ifndef FAULT_WANT_MB
			mb_s();
#endif
			seen = tail;
			if
			:: head - seen == SIZE -> atomic { room -> room = 0 }
			:: else
			fi
		:: else
		fi
	od;
	sent_all = 1
}

inline tell() {
	if
	:: told != pos ->
		told = pos;
		store_r(TAIL, pos);
#ifndef FAULT_TELL_MB
		mb_r();
#endif
		if
		:: waiting ->
			atomic {
				drain_r();
				if
				:: waiting -> waiting = 0; room = 1
				:: else
				fi
			}
		:: else
		fi
	:: else
	fi
}

inline poll() {
	do
	:: pub > pos ->
		pos++;
		armed = 0;
		if
		:: my_notify -> store_r(NOTIFY, 0)
		:: else
		fi;
		if
		:: pos - told >= 1 -> tell()
		:: skip		/* credits may be told later */
		fi
	:: pub <= pos ->
		if
#ifdef FAULT_SPURIOUS
		:: armed -> break
#else
		:: my_notify -> break
#endif
		:: else ->
			tell();
			store_r(NOTIFY, 1);
#ifndef FAULT_ARM_MB
			mb_r();
#endif
#ifndef FAULT_ARM_LOOK
			if
			:: pub > pos -> armed = 0
			:: else -> armed = 1; break
			fi
#else
			armed = 1;
			break
#endif
		fi
	od
}

inline take_lock() { atomic { !lock -> lock = 1 } }
inline drop_lock() { mb_r(); lock = 0 }

/* The interrupt handler of one core */
proctype core(bit me)
{
end:	do
	:: atomic { irq[me] -> irq[me] = 0 };
		if
		:: online[me] ->
			take_lock();
			poll();
			drop_lock()
		:: else		/* nobody is there */
		fi
	od
}

/* The communication core's CPU goes offline, again and again */
proctype mover()
{
	byte n, old;

	do
	:: n == MOVES -> break
	:: n < MOVES ->
		old = n % 2;
		take_lock();
		store_r(BELL, 1 - old);
#ifndef FAULT_MOVE_MB
		mb_r();
		drop_lock();
#endif
#ifndef FAULT_MOVE_LOOK
# ifndef FAULT_MOVE_MB
		take_lock();
# endif
		poll();
		drop_lock();
#endif
		/* from here on interrupts to it are lost */
		online[old] = 0;
		irq[old] = 0;
		online[old] = 1;
		n++
	od
}

init {
	atomic {
		online[0] = 1;
		online[1] = 1;
		notify = 1;
		armed = 1;
		run core(0);
		run core(1);
		run mover()
	}
	timeout -> assert(sent_all && pos == N)
}

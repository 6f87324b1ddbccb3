/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The message ring's protocol (include/rf/abi/ring.h, include/rf/msgring.h) for
 * Spin: doorbells that are left out, credits and the doorbells for them, and
 * communication cores that move, at either end, while their old CPU goes offline
 * and loses what was on its way there.
 *
 * Stores wait in a buffer before others see them, as on x86 (TSO), so that a
 * barrier that is missing is found: each party has room for one store, which
 * is all that it takes. xchg and mb empty it.
 *
 * Property: when nobody can do anything any more, all messages were received.
 * With -D one of the FAULT_s below it must not hold; tests/unit/31-spin sees to
 * both. How often which core moves, and how many messages and slots there are, is
 * given with -D, too: all at once are more states than memory.
 *
 *	FAULT_SEND_MB	no barrier between sequence word and notify
 *	FAULT_ARM_MB	no barrier between notify and the last look
 *	FAULT_ARM_LOOK	no last look
 *	FAULT_SPURIOUS	a doorbell that finds nothing does not ask for the next one: it
 *			was for a message that had been taken before, and took notify away
 *	FAULT_BELL_EARLY the sender reads bell before its xchg
 *	FAULT_MOVE_LOOK	who moves does not look again
 *	FAULT_MOVE_MB	no barrier between bell and that look
 *
 * and the same for the doorbells for room:
 *
 *	FAULT_TELL_MB	no barrier between tail and waiting
 *	FAULT_WANT_MB	no barrier between waiting and the last look at tail
 *	FAULT_WANT_LOOK	no last look
 *	FAULT_ROOM_SPURIOUS a doorbell that finds no room does not ask for the next one
 *	FAULT_ROOM_BELL_EARLY the receiver reads send_bell before its xchg
 *	FAULT_ROOM_MOVE_LOOK the sender moves and does not look again
 *	FAULT_ROOM_MOVE_MB no barrier between send_bell and that look
 */
#ifndef N
#define N	3	/* messages */
#endif
#ifndef SIZE
#define SIZE	2	/* slots */
#endif
#ifndef MOVES
#define MOVES	2	/* of the receiver's core */
#endif
#ifndef SEND_MOVES
#define SEND_MOVES 0	/* of the sender's */
#endif

byte pub, tail;			/* pub: the last sequence word released */
bit notify = 1, waiting, bell, send_bell;
bit irq[2];			/* an interrupt for the receiver's core 0 or 1 is on its way */
bit online[2] = 1;
bit room[2], send_online[2] = 1; /* the same at the sender's */

/* the stores that others don't see yet: of the sender, of the receiver */
mtype = { NONE, PUB, WAITING, SEND_BELL, TAIL, NOTIFY, BELL };
mtype sbuf = NONE, rbuf = NONE;
byte sval, rval;

/* the receiver's own, under its lock */
bit lock;
byte pos, told;
bit armed = 1;
bit tell_had, tell_to;

/* the sender's own, under its lock; seen: tail */
bit send_lock;
byte head, seen;
bit want, woken;

bit sent_all;

inline drain_s() {
	if
	:: sbuf == PUB -> pub = sval
	:: sbuf == WAITING -> waiting = sval
	:: sbuf == SEND_BELL -> send_bell = sval
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
#define my_waiting	(sbuf == WAITING -> sval : waiting)

/* buffers empty themselves at any time */
active proctype memory()
{
end:	do
	:: atomic { sbuf != NONE -> drain_s() }
	:: atomic { rbuf != NONE -> drain_r() }
	od
}

inline take_send_lock() { atomic { !send_lock -> send_lock = 1 } }
inline drop_send_lock() { mb_s(); send_lock = 0 }

/* Full: wait for room, unless there is some */
inline ask() {
	store_s(WAITING, 1);
#ifndef FAULT_WANT_MB
	mb_s();
#endif
#ifndef FAULT_WANT_LOOK
	seen = tail
#endif
}

active proctype sender()
{
	bit had, to;

	do
	:: head == N -> break
	:: else ->
		/* from here on it can be woken */
		woken = 0;
		take_send_lock();
		if
		:: head - seen == SIZE -> seen = tail
		:: else
		fi;
		if
		:: head - seen == SIZE -> want = 1; ask()
		:: else
		fi;
		had = 0;
		if
		:: head - seen < SIZE ->
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
#ifndef FAULT_BELL_EARLY
				to = bell
#endif
			:: else
			fi;
			drop_send_lock();
			if
			:: had -> irq[to] = 1
			:: else
			fi
		:: else ->
			drop_send_lock();
			woken
		fi
	od;
	sent_all = 1
}

/* Is there room for who waits? If not, the doorbell was for some that he had found himself. */
inline look_for_room() {
	if
	:: want && head - seen == SIZE -> seen = tail
	:: else
	fi;
#ifndef FAULT_ROOM_SPURIOUS
	if
	:: want && head - seen == SIZE && !my_waiting -> ask()
	:: else
	fi;
#endif
	atomic {
		if
		:: want && head - seen < SIZE -> want = 0; woken = 1
		:: else
		fi
	}
}

inline send_room() {
	if
	:: want ->
		take_send_lock();
		look_for_room();
		drop_send_lock()
	:: else
	fi
}

/* The sender's interrupt handler: of one core after the other, which its lock makes of them */
active proctype send_core()
{
	bit me;

end:	do
	:: atomic { room[0] -> room[0] = 0; me = 0 }; goto rung
	:: atomic { room[1] -> room[1] = 0; me = 1 };
rung:		if
		:: send_online[me] -> send_room()
		:: else
		fi
	od
}

proctype send_mover()
{
	byte n;
	bit old;

	do
	:: n == SEND_MOVES -> break
	:: n < SEND_MOVES ->
		old = n % 2;
		take_send_lock();
		store_s(SEND_BELL, 1 - old);
#ifndef FAULT_ROOM_MOVE_MB
		mb_s();
		drop_send_lock();
#endif
#ifndef FAULT_ROOM_MOVE_LOOK
# ifndef FAULT_ROOM_MOVE_MB
		send_room();
# else
		look_for_room();
		drop_send_lock();
# endif
#endif
		send_online[old] = 0;
		room[old] = 0;
		send_online[old] = 1;
		n++
	od
}

inline tell() {
	if
	:: told != pos ->
		told = pos;
		store_r(TAIL, pos);
#ifndef FAULT_TELL_MB
		mb_r();
#endif
#ifdef FAULT_ROOM_BELL_EARLY
		tell_to = send_bell;
#endif
		if
		:: waiting ->
			atomic { drain_r(); tell_had = waiting; waiting = 0 };
			if
			:: tell_had ->
#ifndef FAULT_ROOM_BELL_EARLY
				tell_to = send_bell;
#endif
				room[tell_to] = 1
			:: else
			fi
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
		run core(0);
		run core(1);
		run mover();
		run send_mover()
	}
	timeout -> assert(sent_all && pos == N)
}

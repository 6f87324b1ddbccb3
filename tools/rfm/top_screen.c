// SPDX-License-Identifier: GPL-2.0
/* The table of rfm top on a terminal, with keys */
#include <errno.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

static const char help[] =
	" q quit  sort: n name s state c CPUs b busy l load m memory u used g msg/s  r reverse";

static const char keys[TOP_COLUMNS + 1] = "nscblmug";

static volatile sig_atomic_t signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

static void draw(const struct top *t, enum top_column by, bool reverse)
{
	char cell[80];
	int x = 0;

	erase();
	attron(A_REVERSE);
	for (enum top_column c = 0; c < TOP_COLUMNS; c++) {
		snprintf(cell, sizeof(cell), "%s%s", c == by ? reverse ? "^" : "v" : "",
			 rfm_top_titles[c]);
		mvprintw(0, x, "%*s ", rfm_top_width(c), cell);
		x += (rfm_top_width(c) < 0 ? -rfm_top_width(c) : rfm_top_width(c)) + 1;
	}
	attroff(A_REVERSE);
	for (size_t i = 0; i < t->n && (int)i + 2 < LINES; i++) {
		x = 0;
		for (enum top_column c = 0; c < TOP_COLUMNS; c++) {
			int w = rfm_top_width(c), at = w < 0 ? -w : w;

			rfm_top_cell(&t->row[i], c, cell, sizeof(cell));
			/* a long name does not push the rest away */
			mvprintw(i + 1, x, "%*.*s", w, at, cell);
			x += at + 1;
		}
	}
	mvaddnstr(LINES - 1, 0, help, COLS - 1);
	refresh();
}

/* 1: quit; 0: something to draw anew */
static int on_key(int key, enum top_column *by, bool *reverse)
{
	const char *k = key > 0 && key < 128 ? strchr(keys, key) : NULL;

	if (key == 'q' || key == 'Q')
		return 1;
	if (key == 'r' || (k && *k && (enum top_column)(k - keys) == *by)) {
		*reverse = !*reverse;
	} else if (k && *k) {
		*by = k - keys;
		*reverse = false;
	}
	return 0;
}

static int loop(struct top *t, int64_t delay_ms, enum top_column by)
{
	bool reverse = false;

	while (!signalled) {
		int64_t end = rfm_now_ms() + delay_ms, left;
		int ret = rfm_top_read(t);

		if (ret)
			return ret;
		do {
			int key;

			rfm_top_sort(t->row, t->n, by, reverse);
			draw(t, by, reverse);
			left = end - rfm_now_ms();
			timeout(left > 0 ? left : 0);
			key = getch();
			/* ERR: the time is up, or a signal; without a terminal at once */
			if (key == ERR && (signalled || !isatty(STDIN_FILENO)))
				return 0;
			if (key != ERR && on_key(key, &by, &reverse))
				return 0;
		} while (!signalled && rfm_now_ms() < end);
	}
	return 0;
}

/**
 * rfm_top_screen() - the table until q is pressed
 * @t: the table
 * @delay_ms: read it anew after that
 * @by: the column to sort by at first
 *
 * Return: 0 or -errno; 128+n after signal n.
 */
int rfm_top_screen(struct top *t, int64_t delay_ms, enum top_column by)
{
	struct sigaction sa = { .sa_handler = on_signal };
	SCREEN *screen;
	int ret;

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return rf_error(t->rf, -EOPNOTSUPP,
				"this terminal is not known to terminfo (TERM): use --batch");
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	ret = loop(t, delay_ms, by);
	endwin();
	delscreen(screen);
	return signalled ? 128 + signalled : ret;
}

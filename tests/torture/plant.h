/* SPDX-License-Identifier: GPL-2.0 */
/* plant.c: faults that must be found */
#ifndef TORTURE_PLANT_H
#define TORTURE_PLANT_H

struct torture;

int plant_init(struct torture *t);
int plant_now(struct torture *t);

#endif /* TORTURE_PLANT_H */

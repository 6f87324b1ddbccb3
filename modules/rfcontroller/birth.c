// SPDX-License-Identifier: GPL-2.0
/* Telling other modules of subOSes that are created and destroyed */
#include <linux/export.h>
#include <linux/notifier.h>

#include <rf/life.h>

#include "rfcontroller.h"

static BLOCKING_NOTIFIER_HEAD(rf_lives);

/**
 * rf_life_tell - a subOS is in the list, or not any more
 * @s: the subOS
 * @what: RF_LIFE_CREATED or RF_LIFE_DESTROYED
 *
 * Context: process, may sleep; rf_list_lock not held.
 */
void rf_life_tell(struct rf_subos *s, unsigned long what)
{
	struct rf_life life = { .id = s->id, .name = s->name };

	blocking_notifier_call_chain(&rf_lives, what, &life);
}

/**
 * rf_life_register - hear of subOSes that are created and destroyed
 * @nb: who hears; of those that are there already at once, of some perhaps twice
 *
 * Context: process, may sleep.
 * Return: 0.
 */
int rf_life_register(struct notifier_block *nb)
{
	struct rf_subos *s;
	int err = blocking_notifier_chain_register(&rf_lives, nb);

	if (err)
		return err;
	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		struct rf_life life = { .id = s->id, .name = s->name };

		nb->notifier_call(nb, RF_LIFE_CREATED, &life);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(rf_life_register, RAINFOREST);

/**
 * rf_life_unregister - hear no more
 * @nb: as given to rf_life_register()
 *
 * Context: process, may sleep.
 */
void rf_life_unregister(struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&rf_lives, nb);
}
EXPORT_SYMBOL_NS_GPL(rf_life_unregister, RAINFOREST);

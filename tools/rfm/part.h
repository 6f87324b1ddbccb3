/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are written here, under another name until they are whole. */
#ifndef RFM_PART_H
#define RFM_PART_H

struct rfm;

int rfm_file_error(struct rfm *r, const char *path);
void rfm_remove_on_signal(const char *path);

#endif /* RFM_PART_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * librf, RFcom: channels to services in any kernel of the machine, by name. It
 * needs no handle and nothing else of librf. rf_open(3) tells how it is used.
 *
 * What returns int or ssize_t returns -errno on failure.
 */
#ifndef LIBRF_COM_H
#define LIBRF_COM_H

#include <stddef.h>
#include <sys/types.h>

#include <linux/rfcom.h>

int rf_open(const char *name, unsigned int flags);
int rf_open_wait(const char *name, unsigned int flags, int timeout_ms);
int rf_listen(const char *name, unsigned int flags, unsigned int buffer, unsigned int backlog);
int rf_close(int fd);
int rf_accept(int fd, unsigned int flags, char *peer);
int rf_grant(int fd, const char *peer, unsigned int rights);
int rf_info(int fd, struct rf_com_ioc_info *info);
ssize_t rf_read(int fd, void *to, size_t len);
ssize_t rf_write(int fd, const void *from, size_t len);
void *rf_map(int fd, size_t *size, int prot);
int rf_unmap(void *addr, size_t size);
int rf_service_next(struct rf_com_ioc_service *s);

#endif /* LIBRF_COM_H */

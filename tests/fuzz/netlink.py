#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What may be said to the kernel, as C tables for netlink.c, from the YAML specs.
usage: netlink.py SPEC... >netlink-spec.h"""
import sys
import yaml

TYPES = {'u8': 1, 'u32': 4, 'u64': 8, 's32': 4}


def ident(*words):
    return '_'.join(w.replace('-', '_') for w in words)


def spec(path):
    with open(path, encoding='utf-8') as f:
        return yaml.safe_load(f)


def width(attr):
    kind = attr['type']
    if kind in TYPES:
        return TYPES[kind]
    return attr.get('checks', {}).get('max-len', 255) if kind == 'string' else 0


def depth(sets, s):
    """Nested sets come first"""
    return max([1 + depth(sets, sets[a['nested-attributes']]) for a in s['attributes']
                if a['type'] == 'nest'], default=0)


def admin(op):
    return int(any('admin' in op.get(how, {}).get('pre', '') for how in ('do', 'dump')))


def emit(fam):
    name = fam['name']
    sets = {s['name']: s for s in fam['attribute-sets']}
    for s in sorted(sets.values(), key=lambda s: depth(sets, s)):
        print(f'static const struct attr {ident(name, s["name"])}[] = {{')
        for number, a in enumerate(s['attributes'], 1):
            kind = {'string': 'STRING', 'flag': 'FLAG', 'nest': 'NEST'}.get(a['type'], 'NUMBER')
            nested = ident(name, a['nested-attributes']) if kind == 'NEST' else 'NULL'
            print(f'\t{{ "{a["name"]}", {number}, {kind}, {width(a)}, {nested} }},')
        print('\t{ NULL, 0, 0, 0, NULL },\n};')
    ops = []
    for number, op in enumerate(fam['operations']['list'], 1):
        if 'event' in op:
            continue
        s = sets[op['attribute-set']]
        ids = [n for n, a in enumerate(s['attributes'], 1)
               if a['name'] in op.get('do', {}).get('request', {}).get('attributes', [])]
        var = ident(name, op['name'], 'may')
        print(f'static const unsigned short {var}[] = {{ {", ".join(map(str, ids + [0]))} }};')
        ops.append(f'\t{{ "{op["name"]}", {number}, {int("do" in op)}, {int("dump" in op)}, '
                   f'{admin(op)}, {ident(name, op["attribute-set"])}, {var} }},')
    print(f'static const struct op {ident(name, "ops")}[] = {{', *ops, '};', sep='\n')
    return f'\t{{ "{name}", {ident(name, "ops")}, {len(ops)} }},'


print('/* by netlink.py */')
print('static const struct family families[] = {', *[emit(spec(p)) for p in sys.argv[1:]], '};',
      sep='\n')

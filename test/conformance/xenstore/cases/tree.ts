import type { Case } from '../case.ts';

/** Values, children, paths: the tree as dom0 sees it. */
export const tree: readonly Case[] = [
  {
    name: 'a fresh store has /tool/xenstored, owned by dom0',
    rows: [
      ['dom0', 'DIRECTORY /tool', 'xenstored'],
      ['dom0', 'DIRECTORY /tool/xenstored', ''],
      ['dom0', 'GET_PERMS /', 'n0'],
      ['dom0', 'GET_PERMS /tool/xenstored', 'n0'],
    ],
  },
  {
    name: 'WRITE makes missing parents, empty',
    rows: [
      ['dom0', 'WRITE /t/a/b/c one', 'OK'],
      ['dom0', 'READ /t/a/b/c', '= one'],
      ['dom0', 'READ /t/a/b', '= '],
      ['dom0', 'READ /t', '= '],
      ['dom0', 'DIRECTORY /t/a', 'b'],
    ],
  },
  {
    name: 'WRITE replaces the value and keeps the children',
    rows: [
      ['dom0', 'WRITE /t/a/b 1', 'OK'],
      ['dom0', 'WRITE /t/a two words', 'OK'],
      ['dom0', 'READ /t/a', '= two words'],
      ['dom0', 'WRITE /t/a', 'OK'],
      ['dom0', 'READ /t/a', '= '],
      ['dom0', 'DIRECTORY /t/a', 'b'],
    ],
  },
  {
    name: 'values are bytes',
    why: 'a guest writes what it likes; a NUL or a broken UTF-8 sequence must come back as it was',
    rows: [
      ['dom0', 'WRITE /t/a \\0x\\0\\xff\\xfe\\xc3\\0', 'OK'],
      ['dom0', 'READ /t/a', '= \\0x\\0\\xff\\xfe\\xc3\\0'],
    ],
  },
  {
    name: 'READ and DIRECTORY of a missing node',
    rows: [
      ['dom0', 'READ /t/none', 'ENOENT'],
      ['dom0', 'READ /none/at/all', 'ENOENT'],
      ['dom0', 'DIRECTORY /t/none', 'ENOENT'],
      ['dom0', 'GET_PERMS /t/none', 'ENOENT'],
      ['dom0', 'SET_PERMS /t/none n0', 'ENOENT'],
    ],
  },
  {
    name: 'DIRECTORY of a leaf is empty',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'DIRECTORY /t/a', ''],
    ],
  },
  {
    name: 'children are listed in order of creation',
    rows: [
      ['dom0', 'WRITE /t/c 1', 'OK'],
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'WRITE /t/b 1', 'OK'],
      ['dom0', 'DIRECTORY /t', 'c a b'],
      ['dom0', 'RM /t/a', 'OK'],
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'DIRECTORY /t', 'c b a'],
    ],
  },
  {
    name: 'names that begin or end like another are kept apart',
    rows: [
      ['dom0', 'MKDIR /t/a', 'OK'],
      ['dom0', 'MKDIR /t/aa', 'OK'],
      ['dom0', 'MKDIR /t/aaa', 'OK'],
      ['dom0', 'RM /t/aa', 'OK'],
      ['dom0', 'DIRECTORY /t', 'a aaa'],
      ['dom0', 'RM /t/a', 'OK'],
      ['dom0', 'DIRECTORY /t', 'aaa'],
    ],
  },
  {
    name: 'MKDIR makes a node with parents and leaves one that is there',
    rows: [
      ['dom0', 'MKDIR /t/a/b', 'OK'],
      ['dom0', 'READ /t/a/b', '= '],
      ['dom0', 'WRITE /t/a/b value', 'OK'],
      ['dom0', 'MKDIR /t/a/b', 'OK'],
      ['dom0', 'READ /t/a/b', '= value'],
    ],
  },
  {
    name: 'RM takes the subtree along',
    rows: [
      ['dom0', 'WRITE /t/a/b/c 1', 'OK'],
      ['dom0', 'WRITE /t/a/d 1', 'OK'],
      ['dom0', 'RM /t/a', 'OK'],
      ['dom0', 'READ /t/a/b/c', 'ENOENT'],
      ['dom0', 'READ /t/a', 'ENOENT'],
      ['dom0', 'DIRECTORY /t', ''],
    ],
  },
  {
    name: 'RM of a missing node is fine if its parent is there',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'RM /t/none', 'OK'],
      ['dom0', 'RM /t/none/below', 'ENOENT'],
    ],
  },
  {
    name: 'paths with characters that are not allowed',
    rows: [
      ['dom0', 'READ /t.a', 'EINVAL'],
      ['dom0', 'WRITE /t:a 1', 'EINVAL'],
      ['dom0', 'MKDIR /t/\\xe9', 'EINVAL'],
      ['dom0', 'RM /t*', 'EINVAL'],
      ['dom0', 'DIRECTORY /t~', 'EINVAL'],
      ['dom0', 'GET_PERMS /t+', 'EINVAL'],
      ['dom0', 'SET_PERMS /t,a n0', 'EINVAL'],
      ['dom0', 'READ /t\\x20a', 'EINVAL'],
    ],
  },
  {
    name: 'paths with empty names or a slash at the end',
    rows: [
      ['dom0', 'READ /t/', 'EINVAL'],
      ['dom0', 'WRITE /t//a 1', 'EINVAL'],
      ['dom0', 'READ //', 'EINVAL'],
      ['dom0', 'READ ""', 'EINVAL'],
    ],
  },
  {
    name: 'all characters that are allowed',
    rows: [
      ['dom0', 'WRITE /t/azAZ09-_@ 1', 'OK'],
      ['dom0', 'DIRECTORY /t', 'azAZ09-_@'],
    ],
  },
  {
    name: 'special names are no nodes',
    alone: 'oxenstored keeps its special watches in nodes of these names',
    rows: [
      ['dom0', 'READ @introduceDomain', 'EINVAL'],
      ['dom0', 'WRITE @introduceDomain 1', 'EINVAL'],
      ['dom0', 'DIRECTORY @foo', 'EINVAL'],
      ['dom0', 'RM @foo', 'EINVAL'],
    ],
  },
  {
    name: 'relative paths of dom0 are below /local/domain/0',
    rows: [
      ['dom0', 'WRITE t-rel/a 1', 'OK'],
      ['dom0', 'READ /local/domain/0/t-rel/a', '= 1'],
      ['dom0', 'READ t-rel/a', '= 1'],
      ['dom0', 'DIRECTORY t-rel', 'a'],
      ['dom0', 'RM t-rel', 'OK'],
      ['dom0', 'READ /local/domain/0/t-rel', 'ENOENT'],
    ],
  },
  {
    name: 'the longest value beside its path',
    rows: [
      ['dom0', 'WRITE /t/a {v2000}', 'OK'],
      ['dom0', 'READ /t/a', '= {v2000}'],
      ['dom0', 'WRITE /t/a {v4090}', 'OK'],
      ['dom0', 'READ /t/a', '= {v4090}'],
    ],
  },
  {
    name: 'the longest path that every daemon takes',
    rows: [
      ['dom0', 'WRITE /t/{p1021} 1', 'OK'],
      ['dom0', 'READ /t/{p1021}', '= 1'],
    ],
  },
  {
    name: 'longer paths',
    rows: [
      ['dom0', 'WRITE /t/{p2045} 1', 'OK'],
      ['dom0', 'READ /t/{p2045}', '= 1'],
      ['dom0', 'WRITE /t/{p2046} 1', 'OK'],
      ['dom0', 'READ /t/{p3000}', 'ENOENT'],
    ],
  },
  {
    name: 'paths longer than the protocol has',
    rows: [['dom0', 'READ /t/{p3100}', 'ENOENT']],
  },
  {
    name: 'a deep path is made and removed',
    rows: [
      ['dom0', `WRITE /t${'/d'.repeat(300)} 1`, 'OK'],
      ['dom0', `READ /t${'/d'.repeat(300)}`, '= 1'],
      ['dom0', 'RM /t/d', 'OK'],
      ['dom0', `READ /t${'/d'.repeat(300)}`, 'ENOENT'],
    ],
  },
  {
    name: 'DIRECTORY_PART of a small node',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'WRITE /t/bc 1', 'OK'],
      ['dom0', 'DIRECTORY_PART /t 0', 'GEN a bc .'],
      ['dom0', 'DIRECTORY_PART /t 2', 'GEN bc .'],
      ['dom0', 'DIRECTORY_PART /t 5', 'GEN .'],
      ['dom0', 'DIRECTORY_PART /t 99', 'GEN .'],
      ['dom0', 'DIRECTORY_PART /t/a 0', 'GEN .'],
      ['dom0', 'DIRECTORY_PART /t/none 0', 'ENOENT'],
    ],
  },
  {
    name: 'DIRECTORY_PART with strange arguments',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'DIRECTORY_PART /t', 'EINVAL'],
      ['dom0', 'DIRECTORY_PART /t 0 0', 'EINVAL'],
      ['dom0', 'DIRECTORY_PART /t x', 'GEN a .'],
      ['dom0', 'DIRECTORY_PART /t -1', 'GEN .'],
    ],
  },
  {
    name: 'a list of children larger than a message',
    rows: [
      ['dom0', 'WRITE /t/{a1000} 1', 'OK'],
      ['dom0', 'WRITE /t/{b1000} 1', 'OK'],
      ['dom0', 'WRITE /t/{c1000} 1', 'OK'],
      ['dom0', 'WRITE /t/{d1000} 1', 'OK'],
      ['dom0', 'WRITE /t/{e1000} 1', 'OK'],
      ['dom0', 'DIRECTORY /t', 'E2BIG'],
      ['dom0', 'DIRECTORY_PART /t 0', 'GEN {a1000} {b1000} {c1000} {d1000}'],
      ['dom0', 'DIRECTORY_PART /t 4004', 'GEN {e1000} .'],
      ['dom0', 'DIRECTORY_PART /t 5005', 'GEN .'],
    ],
  },
  {
    name: 'the generation changes with the node and its list of children, not with a child',
    why: 'who lists in parts starts again when it changed',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'GENERATION /t', 'first'],
      ['dom0', 'WRITE /t/a 2', 'OK'],
      ['dom0', 'GENERATION /t', 'same'],
      ['dom0', 'MKDIR /t/a', 'OK'],
      ['dom0', 'GENERATION /t', 'same'],
      ['dom0', 'WRITE /t/a/b 1', 'OK'],
      ['dom0', 'GENERATION /t', 'same'],
      ['dom0', 'WRITE /t/b 2', 'OK'],
      ['dom0', 'GENERATION /t', 'changed'],
      ['dom0', 'RM /t/b', 'OK'],
      ['dom0', 'GENERATION /t', 'changed'],
      ['dom0', 'SET_PERMS /t n0', 'OK'],
      ['dom0', 'GENERATION /t', 'changed'],
      ['dom0', 'WRITE /t value', 'OK'],
      ['dom0', 'GENERATION /t', 'changed'],
    ],
  },
];

import type { Case, Row } from '../case.ts';

const home = (guest: string): Row[] => [
  ['dom0', `MKDIR /t/${guest}`, 'OK'],
  ['dom0', `SET_PERMS /t/${guest} n{${guest}}`, 'OK'],
];

/** Who may do what, who owns what, SET_TARGET and quotas. */
export const permissions: readonly Case[] = [
  {
    name: 'SET_PERMS and GET_PERMS',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'GET_PERMS /t/a', 'n0'],
      ['dom0', 'SET_PERMS /t/a b0 r{g1} w{g2}', 'OK'],
      ['dom0', 'GET_PERMS /t/a', 'b0 r{g1} w{g2}'],
      ['g1', 'READ /t/a', '= 1'],
    ],
  },
  {
    name: 'malformed permissions',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'SET_PERMS /t', 'EINVAL'],
      ['dom0', 'SET_PERMS /t x0', 'EINVAL'],
      ['dom0', 'SET_PERMS /t n', 'EINVAL'],
      ['dom0', 'SET_PERMS /t n0x', 'EINVAL'],
      ['dom0', 'SET_PERMS! /t\\0n0', 'EINVAL'],
      ['dom0', 'SET_PERMS /t ""', 'EINVAL'],
      ['dom0', 'GET_PERMS /t', 'n0'],
    ],
  },
  {
    name: 'none, read, write, both',
    rows: [
      ['dom0', 'WRITE /t/n 1', 'OK'],
      ['dom0', 'WRITE /t/r 1', 'OK'],
      ['dom0', 'WRITE /t/w 1', 'OK'],
      ['dom0', 'WRITE /t/b 1', 'OK'],
      ['dom0', 'SET_PERMS /t/r n0 r{g1}', 'OK'],
      ['dom0', 'SET_PERMS /t/w n0 w{g1}', 'OK'],
      ['dom0', 'SET_PERMS /t/b n0 b{g1}', 'OK'],
      ['g1', 'READ /t/n', 'EACCES'],
      ['g1', 'WRITE /t/n 2', 'EACCES'],
      ['g1', 'READ /t/r', '= 1'],
      ['g1', 'WRITE /t/r 2', 'EACCES'],
      ['g1', 'READ /t/w', 'EACCES'],
      ['g1', 'WRITE /t/w 2', 'OK'],
      ['g1', 'READ /t/b', '= 1'],
      ['g1', 'WRITE /t/b 2', 'OK'],
      ['g1', 'DIRECTORY /t/r', ''],
      ['g1', 'DIRECTORY /t/w', 'EACCES'],
      ['g1', 'GET_PERMS /t/r', 'n0 r{g1}'],
      ['g1', 'GET_PERMS /t/w', 'EACCES'],
      ['g1', 'RM /t/r', 'EACCES'],
    ],
  },
  {
    name: 'the owner entry says what everybody else may do',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'SET_PERMS /t/a r0 n{g2}', 'OK'],
      ['g1', 'READ /t/a', '= 1'],
      ['g1', 'WRITE /t/a 1', 'EACCES'],
      ['g2', 'READ /t/a', 'EACCES'],
    ],
  },
  {
    name: 'the first entry for a domain counts',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0', 'SET_PERMS /t/a n0 n{g1} r{g1}', 'OK'],
      ['g1', 'READ /t/a', 'EACCES'],
    ],
  },
  {
    name: 'the way to a node needs no permissions',
    rows: [
      ['dom0', 'WRITE /t/closed/open 1', 'OK'],
      ['dom0', 'SET_PERMS /t/closed/open r0', 'OK'],
      ['g1', 'READ /t/closed', 'EACCES'],
      ['g1', 'READ /t/closed/open', '= 1'],
    ],
  },
  {
    name: 'what is missing is hidden from who may not read the node above',
    rows: [
      ['dom0', 'MKDIR /t/closed', 'OK'],
      ['dom0', 'MKDIR /t/open', 'OK'],
      ['dom0', 'SET_PERMS /t/open r0', 'OK'],
      ['g1', 'READ /t/closed/none', 'EACCES'],
      ['g1', 'READ /t/open/none', 'ENOENT'],
      ['g1', 'READ /t/open/none/below', 'ENOENT'],
      ['g1', 'RM /t/closed/none', 'EACCES'],
      ['g1', 'WRITE /t/open/none 1', 'EACCES'],
      ['g1', 'MKDIR /t/open/none', 'EACCES'],
    ],
  },
  {
    name: 'what dom0 makes inherits owner and permissions',
    why: 'the device model must be able to delete the command that the toolstack wrote',
    rows: [
      ['dom0', 'MKDIR /t/dm', 'OK'],
      ['dom0', 'SET_PERMS /t/dm n{g1} r{g2}', 'OK'],
      ['dom0', 'WRITE /t/dm/command pci-ins', 'OK'],
      ['dom0', 'GET_PERMS /t/dm/command', 'n{g1} r{g2}'],
      ['g2', 'READ /t/dm/command', '= pci-ins'],
      ['g2', 'RM /t/dm/command', 'EACCES'],
      ['g1', 'RM /t/dm/command', 'OK'],
      ['dom0', 'DIRECTORY /t/dm', ''],
    ],
  },
  {
    name: 'a guest owns what it makes',
    rows: [
      ['dom0', 'MKDIR /t/shared', 'OK'],
      ['dom0', 'SET_PERMS /t/shared n{g1} b{g2}', 'OK'],
      ['g1', 'WRITE /t/shared/one/two 1', 'OK'],
      ['dom0', 'GET_PERMS /t/shared/one', 'n{g1} b{g2}'],
      ['dom0', 'GET_PERMS /t/shared/one/two', 'n{g1} b{g2}'],
    ],
  },
  {
    name: 'a guest that makes a node in somebody else’s folder',
    rows: [
      ['dom0', 'MKDIR /t/shared', 'OK'],
      ['dom0', 'SET_PERMS /t/shared n{g1} b{g2}', 'OK'],
      ['g2', 'WRITE /t/shared/two 1', 'OK'],
      ['dom0', 'GET_PERMS /t/shared/two', 'n{g2} b{g2}'],
      ['dom0', 'WRITE /t/shared/two 2', 'OK'],
      ['dom0', 'GET_PERMS /t/shared/two', 'n{g2} b{g2}'],
    ],
  },
  {
    name: 'only the owner sets permissions',
    rows: [
      ...home('g1'),
      ['g1', 'WRITE /t/g1/a 1', 'OK'],
      ['g1', 'SET_PERMS /t/g1/a r{g1} b{g2}', 'OK'],
      ['g2', 'WRITE /t/g1/a 2', 'OK'],
      ['g2', 'SET_PERMS /t/g1/a b{g1}', 'EACCES'],
      ['dom0', 'GET_PERMS /t/g1/a', 'r{g1} b{g2}'],
    ],
  },
  {
    name: 'a guest does not give its nodes away',
    rows: [...home('g1'), ['g1', 'SET_PERMS /t/g1 n0', 'EPERM'], ['dom0', 'GET_PERMS /t/g1', 'n{g1}']],
  },
  {
    name: 'dom0 gives a node to a guest and takes it back',
    rows: [
      ...home('g1'),
      ['g1', 'WRITE /t/g1 1', 'OK'],
      ['dom0', 'SET_PERMS /t/g1 n0', 'OK'],
      ['g1', 'WRITE /t/g1 2', 'EACCES'],
      ['dom0', 'READ /t/g1', '= 1'],
    ],
  },
  {
    name: 'relative paths of a guest are below its own folder',
    rows: [
      ['dom0', 'MKDIR /local/domain/{g1}', 'OK'],
      ['dom0', 'SET_PERMS /local/domain/{g1} n{g1}', 'OK'],
      ['g1', 'WRITE a/b hi', 'OK'],
      ['g1', 'READ a/b', '= hi'],
      ['g1', 'READ /local/domain/{g1}/a/b', '= hi'],
      ['g2', 'READ a/b', 'EACCES'],
      ['dom0', 'READ /local/domain/{g1}/a/b', '= hi'],
      ['dom0', 'RM /local/domain/{g1}', 'OK'],
    ],
  },
  {
    name: 'a guest sees nothing of the root',
    rows: [
      ['g1', 'READ /', 'EACCES'],
      ['g1', 'DIRECTORY /', 'EACCES'],
      ['g1', 'WRITE /evil 1', 'EACCES'],
      ['g1', 'MKDIR /t-evil', 'EACCES'],
    ],
  },
  {
    name: 'what only dom0 may ask',
    rows: [
      ['g1', 'INTRODUCE 1 1 1', 'EACCES'],
      ['g1', 'RELEASE {g1}', 'EACCES'],
      ['g1', 'RESUME {g1}', 'EACCES'],
      ['g1', 'SET_TARGET {g1} 0', 'EACCES'],
      ['g1', 'IS_DOMAIN_INTRODUCED {g1}', 'EACCES'],
      ['g1', 'GET_DOMAIN_PATH {g1}', '/local/domain/{g1}'],
    ],
  },
  {
    name: 'CONTROL is dom0’s',
    rows: [['g1', 'CONTROL help', 'EACCES']],
  },
  {
    name: 'SET_TARGET gives the target’s rights',
    why: 'a stub domain works on its guest’s nodes',
    rows: [
      ...home('g1'),
      ['dom0', 'WRITE /t/readable 1', 'OK'],
      ['dom0', 'SET_PERMS /t/readable n0 r{g1}', 'OK'],
      ['g2', 'READ /t/g1', 'EACCES'],
      ['g2', 'READ /t/readable', 'EACCES'],
      ['dom0', 'SET_TARGET {g2} {g1}', 'OK'],
      ['g2', 'READ /t/g1', '= '],
      ['g2', 'READ /t/readable', '= 1'],
      ['g2', 'WRITE /t/readable 1', 'EACCES'],
      ['g2', 'SET_PERMS /t/g1 r{g1}', 'OK'],
      ['g2', 'WRITE /t/g1/made 1', 'OK'],
    ],
  },
  {
    name: 'the target gets nothing, and others neither',
    rows: [
      ...home('g1'),
      ...home('g2'),
      ['dom0', 'SET_TARGET {g2} {g1}', 'OK'],
      ['g1', 'READ /t/g2', 'EACCES'],
      ['g3', 'READ /t/g1', 'EACCES'],
    ],
  },
  {
    name: 'SET_TARGET wants two introduced domains',
    rows: [
      ['g1', 'RESET_WATCHES', 'OK'],
      ['dom0', 'SET_TARGET {g1}', 'EINVAL'],
      ['dom0', 'SET_TARGET {d1} {g1}', 'ENOENT'],
      ['dom0', 'SET_TARGET {g1} {d1}', 'ENOENT'],
    ],
  },
  {
    name: 'quota: permissions of a node',
    rows: [
      ...home('g1'),
      ['g1', 'SET_PERMS /t/g1 n{g1} r1 r2 r3 r4', 'OK'],
      ['g1', 'SET_PERMS /t/g1 n{g1} r1 r2 r3 r4 r5', 'ENOSPC'],
      ['dom0', 'SET_PERMS /t/g1 n{g1} r1 r2 r3 r4 r5', 'OK'],
    ],
  },
  {
    name: 'quota: size of a node',
    rows: [
      ...home('g1'),
      ['g1', 'WRITE /t/g1/a {v2000}', 'OK'],
      ['g1', 'WRITE /t/g1/a {v2024}', 'OK'],
      ['g1', 'WRITE /t/g1/a {v2025}', 'ENOSPC'],
      ['g1', 'READ /t/g1/a', '= {v2024}'],
      ['g1', 'WRITE /t/g1/new {v3000}', 'ENOSPC'],
      ['g1', 'READ /t/g1/new', 'ENOENT'],
      ['dom0', 'WRITE /t/g1/a {v3000}', 'OK'],
    ],
  },
  {
    name: 'quota: nodes',
    rows: [
      ...home('g1'),
      ['g1', 'REPEAT 251 WRITE /t/g1/a#/b/c/d 1', ['249 times OK', '2 times ENOSPC']],
      ['g1', 'RM /t/g1/a1', 'OK'],
      ['g1', 'WRITE /t/g1/a1/b/c/d 1', 'OK'],
      ['g1', 'WRITE /t/g1/a2/b/c/d 2', 'OK'],
    ],
  },
  {
    name: 'quota: children of a node',
    why: 'their names count as the size of the node',
    rows: [...home('g1'), ['g1', 'REPEAT 300 MKDIR /t/g1/child#', ['236 times OK', '64 times ENOSPC']]],
  },
  {
    name: 'quota: watches',
    rows: [
      ['g1', 'REPEAT 131 WATCH w t#', ['129 times OK', '2 times E2BIG']],
      ['g1', 'UNWATCH w t1', 'OK'],
      ['g1', 'REPEAT 2 WATCH v t#', ['1 times OK', '1 times E2BIG']],
    ],
  },
  {
    name: 'quota: transactions',
    rows: [
      ['g1', 'REPEAT 10 START a#', ['10 times ID']],
      ['g1', 'REPEAT 2 START b#', ['1 times ID', '1 times ENOSPC']],
      ['g1', 'ABORT@a1', 'OK'],
      ['g1', 'REPEAT 2 START c#', ['1 times ID', '1 times ENOSPC']],
    ],
  },
  {
    name: 'quotas do not hold for dom0',
    rows: [
      ['dom0', 'REPEAT 150 WATCH w t#', ['150 times OK']],
      ['dom0', 'REPEAT 50 START a#', ['50 times ID']],
      ['dom0', 'REPEAT 1100 WRITE /t/n# 1', ['1100 times OK']],
      ['dom0', 'RESET_WATCHES', 'OK'],
    ],
  },
];

import type { Case, Row } from '../case.ts';

const start = (path: string, token: string): Row => ['dom0', `WATCH ${path} ${token}`, ['OK', `* ${path} ${token}`]];

/** Watches: which events, for whom, in which order. */
export const watches: readonly Case[] = [
  {
    name: 'WATCH is answered and fires at once, even if nothing is there',
    rows: [start('/t/none/at/all', 'tok')],
  },
  {
    name: 'the event of a change is there before the reply to who made it',
    why: 'C sends events before the reply; a client must take either order',
    rows: [start('/t/a', 'tok'), ['dom0', 'WRITE /t/a 1', ['* /t/a tok', 'OK']]],
  },
  {
    name: 'a change is seen by who watches the node or one above',
    rows: [
      start('/t/a/b', 'exact'),
      start('/t/a', 'above'),
      start('/t', 'top'),
      start('/t/a/bb', 'other'),
      start('/t/a/b/c', 'below'),
      ['dom0', 'WRITE /t/a/b 1', ['* /t/a/b exact', '* /t/a/b above', '* /t/a/b top', 'OK']],
    ],
  },
  {
    name: 'a watch of / sees everything',
    rows: [start('/', 'root'), ['dom0', 'WRITE /t/a 1', ['* /t/a root', 'OK']]],
  },
  {
    name: 'WRITE of the same value fires, MKDIR of what is there does not',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      start('/t/a', 'tok'),
      ['dom0', 'WRITE /t/a 1', ['* /t/a tok', 'OK']],
      ['dom0', 'MKDIR /t/a', 'OK'],
    ],
  },
  {
    name: 'making a deep node fires with its full path, once',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      start('/t', 'tok'),
      start('/t/a/b', 'mid'),
      ['dom0', 'WRITE /t/a/b/c 1', ['* /t/a/b/c tok', '* /t/a/b/c mid', 'OK']],
      ['dom0', 'MKDIR /t/x/y', ['* /t/x/y tok', 'OK']],
    ],
  },
  {
    name: 'a watch of a node that is made as a parent fires with the full path',
    rows: [start('/t/a', 'tok'), ['dom0', 'WRITE /t/a/b/c 1', ['* /t/a/b/c tok', 'OK']]],
  },
  {
    name: 'RM fires for the node, and with its own path for each deeper watch',
    rows: [
      ['dom0', 'WRITE /t/a/b/c 1', 'OK'],
      start('/t/a', 'A'),
      start('/t/a/b/c', 'C'),
      ['dom0', 'RM /t/a', ['* /t/a/b/c C', '* /t/a A', 'OK']],
    ],
  },
  {
    name: 'RM fires nothing for a watched node that was not there',
    rows: [
      ['dom0', 'WRITE /t/a/b 1', 'OK'],
      start('/t/a/none', 'N'),
      ['dom0', 'RM /t/a', 'OK'],
      ['dom0', 'RM /t/a', 'OK'],
    ],
  },
  {
    name: 'SET_PERMS fires',
    rows: [
      ['dom0', 'WRITE /t/a 1', 'OK'],
      start('/t', 'tok'),
      ['dom0', 'SET_PERMS /t/a r0', ['* /t/a tok', 'OK']],
      ['dom0', 'SET_PERMS /t/a r0', ['* /t/a tok', 'OK']],
    ],
  },
  {
    name: 'a failed change fires nothing',
    rows: [start('/t', 'tok'), ['dom0', 'RM /t/none/below', 'ENOENT'], ['dom0', 'SET_PERMS /t/none n0', 'ENOENT']],
  },
  {
    name: 'a second watch of the same path and token',
    rows: [
      start('/t/a', 'one'),
      ['dom0', 'WATCH /t/a one', 'EEXIST'],
      start('/t/a', 'two'),
      ['dom0-2', 'WATCH /t/a one', ['OK', '* /t/a one']],
      ['dom0', 'WRITE /t/a 1', ['* /t/a one', '* /t/a two', 'OK']],
      ['dom0-2', 'EVENTS', ['* /t/a one']],
    ],
  },
  {
    name: 'UNWATCH',
    rows: [
      start('/t/a', 'one'),
      start('/t/a', 'two'),
      ['dom0', 'UNWATCH /t/a none', 'ENOENT'],
      ['dom0', 'UNWATCH /t/b one', 'ENOENT'],
      ['dom0', 'UNWATCH /t/a one', 'OK'],
      ['dom0', 'UNWATCH /t/a one', 'ENOENT'],
      ['dom0', 'WRITE /t/a 1', ['* /t/a two', 'OK']],
      ['dom0-2', 'UNWATCH /t/a two', 'ENOENT'],
    ],
  },
  {
    name: 'RESET_WATCHES ends all watches of the connection',
    rows: [
      start('/t/a', 'one'),
      start('/t/b', 'one'),
      ['dom0-2', 'WATCH /t/a other', ['OK', '* /t/a other']],
      ['dom0', 'RESET_WATCHES', 'OK'],
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0-2', 'EVENTS', ['* /t/a other']],
      start('/t/a', 'one'),
    ],
  },
  {
    name: 'watches end with their connection',
    rows: [
      ['dom0-2', 'WATCH /t/a tok', ['OK', '* /t/a tok']],
      ['dom0-2', 'CLOSE', 'closed'],
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0-2', 'EVENTS', []],
      ['dom0-2', 'WATCH /t/a tok', ['OK', '* /t/a tok']],
    ],
  },
  {
    name: 'malformed WATCH and UNWATCH',
    rows: [
      ['dom0', 'WATCH /t/a', 'EINVAL'],
      ['dom0', 'WATCH! /t/a\\0tok', 'EINVAL'],
      ['dom0', 'WATCH /t//a tok', 'EINVAL'],
      ['dom0', 'WATCH /t/a/ tok', 'EINVAL'],
      ['dom0', 'WATCH /t.a tok', 'EINVAL'],
      ['dom0', 'WATCH "" tok', 'EINVAL'],
      ['dom0', 'UNWATCH /t/a', 'EINVAL'],
    ],
  },
  {
    name: 'WATCH with more than its arguments',
    rows: [['dom0', 'WATCH /t/a tok 1', 'EINVAL']],
  },
  {
    name: 'any bytes are a token, the empty one too',
    rows: [
      ['dom0', 'WATCH /t/a ""', ['OK', '* /t/a ']],
      ['dom0', 'WATCH /t/a \\xff\\x01', ['OK', '* /t/a \\xff\\x01']],
      ['dom0', 'WRITE /t/a 1', ['* /t/a ', '* /t/a \\xff\\x01', 'OK']],
    ],
  },
  {
    name: 'events of a relative watch are relative',
    rows: [
      ['dom0', 'WATCH t-rel/a R', ['OK', '* t-rel/a R']],
      start('/local/domain/0/t-rel/a', 'A'),
      ['dom0', 'WRITE /local/domain/0/t-rel/a/b 1', ['* t-rel/a/b R', '* /local/domain/0/t-rel/a/b A', 'OK']],
      ['dom0', 'UNWATCH /local/domain/0/t-rel/a R', 'OK'],
      ['dom0', 'RESET_WATCHES', 'OK'],
      ['dom0', 'RM t-rel', 'OK'],
    ],
  },
  {
    name: 'identical events that wait are one',
    why: 'C drops an event that is the same as one not yet sent; a client never counts events',
    rows: [
      start('/t', 'tok'),
      ['dom0', 'WRITE /t/a 1 | WRITE /t/a 2 | WRITE /t/a 3', ['* /t/a tok', 'OK', 'OK', 'OK']],
      ['dom0', 'WRITE /t/a 1 | WRITE /t/b 2', ['* /t/a tok', 'OK', '* /t/b tok', 'OK']],
    ],
  },
  {
    name: 'another connection’s events are there when the change is answered',
    rows: [
      ['dom0-2', 'WATCH /t/a tok', ['OK', '* /t/a tok']],
      ['dom0', 'WRITE /t/a 1', 'OK'],
      ['dom0-2', 'EVENTS', ['* /t/a tok']],
      ['dom0', 'WRITE /t/a/b 1', 'OK'],
      ['dom0', 'RM /t/a', 'OK'],
      ['dom0-2', 'EVENTS', ['* /t/a/b tok', '* /t/a tok']],
    ],
  },
  {
    name: 'a guest hears of what it may read',
    rows: [
      ['dom0', 'WRITE /t/open 1', 'OK'],
      ['dom0', 'WRITE /t/closed 1', 'OK'],
      ['dom0', 'SET_PERMS /t/open n0 r{g1}', 'OK'],
      ['g1', 'WATCH /t/open o', ['OK', '* /t/open o']],
      ['g1', 'WATCH /t/closed c', ['OK', '* /t/closed c']],
      ['dom0', 'WRITE /t/open 2', 'OK'],
      ['dom0', 'WRITE /t/closed 2', 'OK'],
      ['g1', 'EVENTS', ['* /t/open o']],
    ],
  },
  {
    name: 'a guest hears of a node that it may not read below one that it may',
    rows: [
      ['dom0', 'WRITE /t/open/secret 1', 'OK'],
      ['dom0', 'SET_PERMS /t/open n0 r{g1}', 'OK'],
      ['g1', 'WATCH /t/open o', ['OK', '* /t/open o']],
      ['dom0', 'WRITE /t/open/secret 2', 'OK'],
      ['g1', 'EVENTS', ['* /t/open/secret o']],
    ],
  },
  {
    name: 'a guest hears that it lost the right to read, and nothing after that',
    rows: [
      ['dom0', 'WRITE /t/open 1', 'OK'],
      ['dom0', 'SET_PERMS /t/open n0 r{g1}', 'OK'],
      ['g1', 'WATCH /t/open o', ['OK', '* /t/open o']],
      ['dom0', 'SET_PERMS /t/open n0', 'OK'],
      ['g1', 'EVENTS', ['* /t/open o']],
      ['dom0', 'WRITE /t/open 2', 'OK'],
      ['dom0', 'RM /t/open', 'OK'],
      ['g1', 'EVENTS', []],
    ],
  },
  {
    name: 'a guest hears that it got the right to read, and of the removal',
    rows: [
      ['g1', 'WATCH /t/open o', ['OK', '* /t/open o']],
      ['dom0', 'MKDIR /t/open', 'OK'],
      ['g1', 'EVENTS', []],
      ['dom0', 'SET_PERMS /t/open n0 r{g1}', 'OK'],
      ['g1', 'EVENTS', ['* /t/open o']],
      ['dom0', 'RM /t/open', 'OK'],
      ['g1', 'EVENTS', ['* /t/open o']],
    ],
  },
  {
    name: 'a guest’s relative watch',
    rows: [
      ['g1', 'WATCH foo F', ['OK', '* foo F']],
      ['dom0', 'MKDIR /local/domain/{g1}', 'OK'],
      ['dom0', 'SET_PERMS /local/domain/{g1} n{g1}', 'OK'],
      ['dom0', 'WRITE /local/domain/{g1}/foo/bar 1', 'OK'],
      ['g1', 'EVENTS', ['* foo/bar F']],
      ['dom0', 'RM /local/domain/{g1}', 'OK'],
      ['g1', 'EVENTS', ['* foo F']],
    ],
  },
  {
    name: 'guests may register special watches, and hear nothing',
    rows: [
      ['g1', 'WATCH @introduceDomain i', ['OK', '* @introduceDomain i']],
      ['g1', 'WATCH @releaseDomain r', ['OK', '* @releaseDomain r']],
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'RELEASE {d1}', 'OK'],
      ['g1', 'EVENTS', []],
    ],
  },
  {
    name: 'unknown special watches are accepted',
    rows: [start('@foo', 'tok')],
  },
  {
    name: 'a watch fires for a change in a transaction only at its commit',
    rows: [
      start('/t/a', 'tok'),
      ['dom0', 'START t', 'ID'],
      ['dom0', 'WRITE@t /t/a 1', 'OK'],
      ['dom0-2', 'EVENTS', []],
      ['dom0', 'COMMIT@t', ['* /t/a tok', 'OK']],
    ],
  },
  {
    name: 'WATCH takes no notice of a transaction id',
    rows: [
      ['dom0', 'WATCH@77 /t/a tok', ['OK', '* /t/a tok']],
      ['dom0', 'UNWATCH@77 /t/a tok', 'OK'],
    ],
  },
];

import type { DaemonName } from './daemons.ts';

/** Where a daemon is known to do otherwise than a case says. */
export interface Difference {
  /** The case's name. */
  readonly case: string;
  readonly daemons: readonly DaemonName[];
  /** What this daemon does, and why if that is known. */
  readonly reason: string;
  /** What is seen instead, by the row's number from 1; `any error` for an error that is not the same each time. */
  readonly sees: Readonly<Record<number, string | readonly string[]>>;
}

const oxenstored: readonly DaemonName[] = ['oxenstored 4.17', 'oxenstored 4.20'];

/**
 * All known differences from the cases, which say what C xenstored 4.20 does. The suite fails on any other difference,
 * and on one of these that is not seen any more.
 */
export const differences: readonly Difference[] = [
  {
    case: 'paths longer than the protocol has',
    daemons: ['embedded'],
    reason: 'takes no path beyond the 3072 bytes of the protocol, which C 4.20 does not check for dom0',
    sees: { 1: 'EINVAL' },
  },
  {
    case: 'INTRODUCE of a domain that Xen does not know',
    daemons: ['embedded'],
    reason: 'there is no hypervisor below: every domid exists',
    sees: { 1: 'OK', 2: 'T' },
  },
  {
    case: 'a released domain stays while another has it as target',
    daemons: ['embedded'],
    reason: 'the nodes go at once, which is what RELEASE is documented to do; C counts references',
    sees: { 9: 'ENOENT' },
  },
  {
    case: 'SET_PERMS for an owner that Xen does not know',
    daemons: ['embedded'],
    reason: 'there is no hypervisor below: every domid exists',
    sees: { 2: 'OK', 3: 'n{d1}' },
  },
  {
    case: 'paths longer than the protocol has',
    daemons: ['C 4.17'],
    reason: 'no path beyond 2048 bytes, for dom0 too',
    sees: { 1: 'EINVAL' },
  },
  {
    case: 'longer paths',
    daemons: ['C 4.17'],
    reason: 'no path beyond 2048 bytes, for dom0 too',
    sees: { 3: 'EINVAL', 4: 'EINVAL' },
  },
  {
    case: 'quota: size of a node',
    daemons: ['C 4.17'],
    reason: 'counts 24 bytes for a node itself, 4.20 counts 16',
    sees: { 4: 'ENOSPC', 6: '= {v2000}' },
  },
  {
    case: 'quota: children of a node',
    daemons: ['C 4.17'],
    reason: 'counts 24 bytes for a node itself, 4.20 counts 16',
    sees: { 3: ['235 times OK', '65 times ENOSPC'] },
  },
  {
    case: 'a payload without its NUL',
    daemons: ['C 4.17'],
    reason: 'answers with whatever errno was left from earlier',
    sees: { 2: 'any error', 4: 'any error', 5: 'any error', 6: 'any error' },
  },
  {
    case: 'a payload with more behind its NUL',
    daemons: ['C 4.17'],
    reason: 'answers with whatever errno was left from earlier',
    sees: { 2: 'any error', 3: 'any error', 4: 'any error', 5: 'any error', 6: 'any error' },
  },
  {
    case: 'empty payloads',
    daemons: ['C 4.17'],
    reason: 'answers with whatever errno was left from earlier',
    sees: { 1: ['any error', '/local/domain/1'] },
  },
  {
    case: 'the largest payload',
    daemons: ['C 4.17'],
    reason: 'answers with whatever errno was left from earlier',
    sees: { 1: 'any error' },
  },
  {
    case: 'the permissions of special watches',
    daemons: ['C 4.17'],
    reason: 'does not tell them',
    sees: { 1: 'EINVAL', 2: 'EINVAL' },
  },
  {
    case: 'a guest may be given a special watch',
    daemons: ['C 4.17', 'oxenstored 4.17', 'oxenstored 4.20'],
    reason: 'SET_PERMS of a special watch does not fire it',
    sees: { 3: [], 9: [] },
  },
  {
    case: 'paths longer than the protocol has',
    daemons: oxenstored,
    reason: 'no path beyond 1024 bytes',
    sees: { 1: 'EINVAL' },
  },
  {
    case: 'a released domain stays while another has it as target',
    daemons: oxenstored,
    reason: 'the nodes go at once',
    sees: { 9: 'ENOENT' },
  },
  {
    case: 'SET_PERMS for an owner that Xen does not know',
    daemons: oxenstored,
    reason: 'does not look whether the owner exists',
    sees: { 2: 'OK', 3: 'n{d1}' },
  },
  {
    case: 'longer paths',
    daemons: oxenstored,
    reason: 'no path beyond 1024 bytes',
    sees: { 1: 'EINVAL', 2: 'EINVAL', 3: 'EINVAL', 4: 'EINVAL' },
  },
  {
    case: 'quota: size of a node',
    daemons: oxenstored,
    reason: 'has quotas of its own and calls them EQUOTA; a value has at most 2048 bytes, for dom0 too',
    sees: { 5: 'OK', 6: '= {v2025}', 7: 'E2BIG', 9: 'E2BIG' },
  },
  {
    case: 'quota: children of a node',
    daemons: oxenstored,
    reason: 'does not count the names of the children',
    sees: { 3: '300 times OK' },
  },
  {
    case: 'children are listed in order of creation',
    daemons: oxenstored,
    reason: 'lists children by name',
    sees: { 4: 'a b c', 7: 'a b c' },
  },
  {
    case: 'special names are no nodes',
    daemons: oxenstored,
    reason: 'keeps its special watches in nodes of these names',
    sees: { 1: '= ', 2: 'OK', 3: 'ENOENT', 4: 'OK' },
  },
  {
    case: 'the longest value beside its path',
    daemons: oxenstored,
    reason: 'has quotas of its own and calls them EQUOTA; a value has at most 2048 bytes, for dom0 too',
    sees: { 3: 'E2BIG', 4: '= {v2000}' },
  },
  {
    case: 'DIRECTORY_PART of a small node',
    daemons: oxenstored,
    reason: 'has no DIRECTORY_PART, and answers DIRECTORY on a socket however long it is',
    sees: { 3: 'ENOSYS', 4: 'ENOSYS', 5: 'ENOSYS', 6: 'ENOSYS', 7: 'ENOSYS', 8: 'ENOSYS' },
  },
  {
    case: 'DIRECTORY_PART with strange arguments',
    daemons: oxenstored,
    reason: 'has no DIRECTORY_PART, and answers DIRECTORY on a socket however long it is',
    sees: { 2: 'ENOSYS', 3: 'ENOSYS', 4: 'ENOSYS', 5: 'ENOSYS' },
  },
  {
    case: 'a list of children larger than a message',
    daemons: oxenstored,
    reason: 'has no DIRECTORY_PART, and answers DIRECTORY on a socket however long it is',
    sees: { 6: '{a1000} {b1000} {c1000} {d1000} {e1000}', 7: 'ENOSYS', 8: 'ENOSYS', 9: 'ENOSYS' },
  },
  {
    case: 'the generation changes with the node and its list of children, not with a child',
    daemons: oxenstored,
    reason: 'has no DIRECTORY_PART, and answers DIRECTORY on a socket however long it is',
    sees: {
      2: 'ENOSYS',
      4: 'ENOSYS',
      6: 'ENOSYS',
      8: 'ENOSYS',
      10: 'ENOSYS',
      12: 'ENOSYS',
      14: 'ENOSYS',
      16: 'ENOSYS',
    },
  },
  {
    case: 'what is missing is hidden from who may not read the node above',
    daemons: oxenstored,
    reason: 'tells that a node is missing to who may not read the node above',
    sees: { 4: 'ENOENT', 7: 'OK' },
  },
  {
    case: 'a guest that makes a node in somebody else’s folder',
    daemons: oxenstored,
    reason: 'a new node belongs to the owner of the one above, whoever makes it',
    sees: { 4: 'n{g1} b{g2}', 6: 'n{g1} b{g2}' },
  },
  {
    case: 'a guest does not give its nodes away',
    daemons: oxenstored,
    reason: 'calls it EACCES',
    sees: { 3: 'EACCES' },
  },
  {
    case: 'relative paths of a guest are below its own folder',
    daemons: oxenstored,
    reason: 'tells that a node is missing to who may not read the node above',
    sees: { 6: 'ENOENT' },
  },
  {
    case: 'CONTROL is dom0’s',
    daemons: oxenstored,
    reason: 'answers CONTROL with OK, whoever asks and whatever it is',
    sees: { 1: 'OK' },
  },
  {
    case: 'SET_TARGET wants two introduced domains',
    daemons: oxenstored,
    reason: 'does not look whether the target is introduced',
    sees: { 4: 'OK' },
  },
  {
    case: 'quota: permissions of a node',
    daemons: oxenstored,
    reason: 'does not limit them',
    sees: { 4: 'OK' },
  },
  {
    case: 'quota: nodes',
    daemons: oxenstored,
    reason: 'has quotas of its own and calls them EQUOTA; a value has at most 2048 bytes, for dom0 too',
    sees: { 3: ['249 times OK', '2 times EQUOTA'] },
  },
  {
    case: 'quota: watches',
    daemons: oxenstored,
    reason: 'has quotas of its own and calls them EQUOTA; a value has at most 2048 bytes, for dom0 too',
    sees: { 1: ['101 times OK', '30 times EQUOTA'], 3: ['1 times OK', '1 times EQUOTA'] },
  },
  {
    case: 'quota: transactions',
    daemons: oxenstored,
    reason: 'has quotas of its own and calls them EQUOTA; a value has at most 2048 bytes, for dom0 too',
    sees: { 2: ['1 times ID', '1 times EQUOTA'], 4: ['1 times ID', '1 times EQUOTA'] },
  },
  {
    case: 'the event of a change is there before the reply to who made it',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 2: ['OK', '* /t/a tok'] },
  },
  {
    case: 'a change is seen by who watches the node or one above',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 6: ['OK', '* /t/a/b top', '* /t/a/b above', '* /t/a/b exact'] },
  },
  {
    case: 'a watch of / sees everything',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 2: ['OK', '* /t/a root'] },
  },
  {
    case: 'WRITE of the same value fires, MKDIR of what is there does not',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 3: ['OK', '* /t/a tok'] },
  },
  {
    case: 'making a deep node fires with its full path, once',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 4: ['OK', '* /t/a/b/c tok', '* /t/a/b/c mid'], 5: ['OK', '* /t/x/y tok'] },
  },
  {
    case: 'a watch of a node that is made as a parent fires with the full path',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 2: ['OK', '* /t/a/b/c tok'] },
  },
  {
    case: 'RM fires for the node, and with its own path for each deeper watch',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 4: ['OK', '* /t/a A', '* /t/a/b/c C'] },
  },
  {
    case: 'RM fires nothing for a watched node that was not there',
    daemons: oxenstored,
    reason: 'fires for watches below a removed node whether their nodes were there or not',
    sees: { 3: ['OK', '* /t/a/none N'] },
  },
  {
    case: 'SET_PERMS fires',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 3: ['OK', '* /t/a tok'], 4: ['OK', '* /t/a tok'] },
  },
  {
    case: 'a second watch of the same path and token',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 5: ['OK', '* /t/a two', '* /t/a one'] },
  },
  {
    case: 'UNWATCH',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 7: ['OK', '* /t/a two'] },
  },
  {
    case: 'any bytes are a token, the empty one too',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 3: ['OK', '* /t/a \\xff\\x01', '* /t/a '] },
  },
  {
    case: 'events of a relative watch are relative',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply',
    sees: { 3: ['OK', '* /local/domain/0/t-rel/a/b A', '* t-rel/a/b R'] },
  },
  {
    case: 'identical events that wait are one',
    daemons: oxenstored,
    reason: 'sends the events of a change after its reply, and all of them',
    sees: {
      2: ['OK', '* /t/a tok', 'OK', '* /t/a tok', 'OK', '* /t/a tok'],
      3: ['OK', '* /t/a tok', 'OK', '* /t/b tok'],
    },
  },
  {
    case: 'commit: a node that was read has changed',
    daemons: oxenstored,
    reason: 'calls an unknown transaction EIO',
    sees: { 8: 'EIO' },
  },
  {
    case: 'commit: a node that was read was written with the same value',
    daemons: oxenstored,
    reason: 'replays a transaction on the changed tree, and fails only if an answer would be another',
    sees: { 5: 'OK' },
  },
  {
    case: 'commit: a node that was written has changed',
    daemons: oxenstored,
    reason: 'replays a transaction on the changed tree, and fails only if an answer would be another',
    sees: { 5: 'OK', 6: '= 2' },
  },
  {
    case: 'commit: a sibling was made beside a new node',
    daemons: oxenstored,
    reason: 'replays a transaction on the changed tree, and fails only if an answer would be another',
    sees: { 5: 'OK', 6: 'one two' },
  },
  {
    case: 'commit: the permissions of a node that was read have changed',
    daemons: oxenstored,
    reason: 'replays a transaction on the changed tree, and fails only if an answer would be another',
    sees: { 5: 'OK' },
  },
  {
    case: 'commit: a child was made in a node that was read',
    daemons: oxenstored,
    reason: 'replays a transaction on the changed tree, and fails only if an answer would be another',
    sees: { 5: 'OK' },
  },
  {
    case: 'events at the commit: one for each node, before the reply',
    daemons: oxenstored,
    reason: 'sends an event for each change of the transaction',
    sees: { 7: ['* /t/a tok', '* /t/b/c tok', '* /t/a tok', 'OK'] },
  },
  {
    case: 'events at the commit: nothing for a node made and removed again',
    daemons: oxenstored,
    reason: 'sends an event for each change of the transaction',
    sees: { 7: ['* /t/x tok', '* /t/x tok', '* /t/y tok', 'OK'] },
  },
  {
    case: 'ids that are no transaction',
    daemons: oxenstored,
    reason: 'calls an unknown transaction EIO',
    sees: { 1: 'EIO', 2: 'EIO', 3: 'EIO', 4: 'EIO' },
  },
  {
    case: 'a transaction belongs to its connection',
    daemons: oxenstored,
    reason: 'calls an unknown transaction EIO',
    sees: { 3: 'EIO' },
  },
  {
    case: 'an id is not used again at once',
    daemons: oxenstored,
    reason: 'calls an unknown transaction EIO',
    sees: { 4: 'EIO' },
  },
  {
    case: 'TRANSACTION_END without the NUL',
    daemons: oxenstored,
    reason: 'does without the NUL; calls an unknown transaction EIO',
    sees: { 2: 'OK', 3: 'EIO' },
  },
  {
    case: 'RESET_WATCHES ends transactions too',
    daemons: oxenstored,
    reason: 'calls an unknown transaction EIO',
    sees: { 3: 'EIO' },
  },
  {
    case: 'INTRODUCE and RELEASE fire the special watches',
    daemons: oxenstored,
    reason: 'fires @releaseDomain before the reply',
    sees: { 7: ['* @releaseDomain r', 'OK'] },
  },
  {
    case: 'INTRODUCE with event channel 0',
    daemons: oxenstored,
    reason: 'takes any event channel',
    sees: { 2: 'OK' },
  },
  {
    case: 'RELEASE and RESUME of who is not introduced',
    daemons: oxenstored,
    reason: 'calls an unknown domain EINVAL',
    sees: { 1: 'EINVAL', 2: 'EINVAL' },
  },
  {
    case: 'RELEASE and RESUME of dom0',
    daemons: oxenstored,
    reason: 'releases dom0, and introduces nobody after that',
    sees: { 1: 'ENOENT' },
  },
  {
    case: 'watches fire for the nodes of a released domain, then @releaseDomain',
    daemons: oxenstored,
    reason: 'fires @releaseDomain before the reply, and no watch of the nodes that go',
    sees: { 9: ['* @releaseDomain r', 'OK'] },
  },
  {
    case: 'SET_PERMS with an owner that no domain can be',
    daemons: oxenstored,
    reason: 'does not look whether the owner exists',
    sees: { 2: 'OK' },
  },
  {
    case: 'IS_DOMAIN_INTRODUCED without a number',
    daemons: oxenstored,
    reason: 'wants a number',
    sees: { 1: 'EINVAL' },
  },
  {
    case: 'a guest’s connection works as soon as it is introduced',
    daemons: oxenstored,
    reason: 'tells that a node is missing to who may not read the node above',
    sees: { 2: 'ENOENT' },
  },
  {
    case: 'a larger payload ends the connection',
    daemons: oxenstored,
    reason: 'answers with an error and is out of step from then on',
    sees: { 1: 'EINVAL' },
  },
  {
    case: 'requests sent at once are answered in order',
    daemons: oxenstored,
    reason: 'tells that a node is missing to who may not read the node above',
    sees: { 2: ['ENOENT', 'ENOSYS', '/local/domain/1'] },
  },
  {
    case: 'CONTROL: commands that are not known',
    daemons: oxenstored,
    reason: 'answers CONTROL with OK, whoever asks and whatever it is',
    sees: { 1: 'OK', 2: 'OK' },
  },
  {
    case: 'RM / is refused',
    daemons: oxenstored,
    reason: 'removes everything',
    sees: { 1: 'OK', 2: 'ENOENT' },
  },
];

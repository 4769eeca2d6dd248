import type { Case } from '../case.ts';

/** Bytes, frames, unknown types, CONTROL. */
export const frames: readonly Case[] = [
  {
    name: 'unknown types, and those that only a daemon sends',
    rows: [
      ['dom0', '#15', 'ENOSYS'],
      ['dom0', '#16', 'ENOSYS'],
      ['dom0', '#20', 'ENOSYS'],
      ['dom0', '#27', 'ENOSYS'],
      ['dom0', '#99', 'ENOSYS'],
      ['dom0', '#4294967295', 'ENOSYS'],
      ['g1', '#99', 'ENOSYS'],
    ],
  },
  {
    name: 'requests of Xen 4.22 are unknown to older daemons',
    rows: [
      ['dom0', 'GET_FEATURE 0', 'ENOSYS'],
      ['dom0', 'SET_FEATURE 0 0', 'ENOSYS'],
      ['dom0', 'GET_QUOTA', 'ENOSYS'],
      ['dom0', 'SET_QUOTA nodes 1', 'ENOSYS'],
    ],
  },
  {
    name: 'a payload without its NUL',
    alone: 'C 4.17 answers from memory that it did not set, and can die of it',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'READ! /t', 'EINVAL'],
      ['dom0', 'WRITE! /t', 'EINVAL'],
      ['dom0', 'RM! /t', 'EINVAL'],
      ['dom0', 'DIRECTORY! /t', 'EINVAL'],
      ['dom0', 'GET_PERMS! /t', 'EINVAL'],
      ['dom0', 'GET_DOMAIN_PATH! 1', 'EINVAL'],
    ],
  },
  {
    name: 'a payload with more behind its NUL',
    alone: 'C 4.17 answers from memory that it did not set, and can die of it',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'READ /t x', 'EINVAL'],
      ['dom0', 'MKDIR /t x', 'EINVAL'],
      ['dom0', 'RM! /t\\0x', 'EINVAL'],
      ['dom0', 'GET_PERMS /t x', 'EINVAL'],
      ['dom0', 'DIRECTORY /t x', 'EINVAL'],
    ],
  },
  {
    name: 'empty payloads',
    why: 'the second request gets oxenstored 4.17 going, which does not answer an empty one until more comes',
    rows: [
      ['dom0', 'READ! | GET_DOMAIN_PATH 1', ['EINVAL', '/local/domain/1']],
      ['dom0', 'WRITE! | GET_DOMAIN_PATH 1', ['EINVAL', '/local/domain/1']],
      ['dom0', 'WATCH! | GET_DOMAIN_PATH 1', ['EINVAL', '/local/domain/1']],
      ['dom0', 'RESET_WATCHES! | GET_DOMAIN_PATH 1', ['OK', '/local/domain/1']],
    ],
  },
  {
    name: 'the largest payload',
    rows: [['dom0', 'READ! {x4096}', 'EINVAL']],
  },
  {
    name: 'a larger payload ends the connection',
    rows: [
      ['dom0-2', 'OVERSIZE 4097', 'CLOSED'],
      ['dom0', 'READ /tool', '= '],
    ],
  },
  {
    name: 'a message that comes byte by byte',
    rows: [
      ['dom0', 'SPLIT WRITE /t/a value', 'OK'],
      ['dom0', 'SPLIT READ /t/a', '= value'],
      ['g1', 'SPLIT READ /t/a', 'EACCES'],
    ],
  },
  {
    name: 'requests sent at once are answered in order',
    rows: [
      [
        'dom0',
        'WRITE /t/a 1 | READ /t/a | RM /t/a | READ /t/a | GET_DOMAIN_PATH 1',
        ['OK', '= 1', 'OK', 'ENOENT', '/local/domain/1'],
      ],
      ['g1', 'READ /t/a | #99 | GET_DOMAIN_PATH 1', ['EACCES', 'ENOSYS', '/local/domain/1']],
    ],
  },
  {
    name: 'CONTROL: commands that are not known',
    rows: [
      ['dom0', 'CONTROL nope', 'EINVAL'],
      ['dom0', 'CONTROL ""', 'EINVAL'],
    ],
  },
  {
    name: 'CONTROL: print and check',
    rows: [
      ['dom0', 'CONTROL print hello', 'OK'],
      ['dom0', 'CONTROL check', 'OK'],
    ],
  },
  {
    name: 'the permissions of special watches',
    rows: [
      ['dom0', 'GET_PERMS @introduceDomain', 'n0'],
      ['dom0', 'GET_PERMS @releaseDomain', 'n0'],
    ],
  },
  {
    name: 'a guest may be given a special watch',
    why: 'this is how a driver domain learns of domains that come and go',
    rows: [
      ['g1', 'WATCH @releaseDomain r', ['OK', '* @releaseDomain r']],
      ['dom0', 'SET_PERMS @releaseDomain n0 r{g1}', 'OK'],
      ['g1', 'EVENTS', ['* @releaseDomain r']],
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'RELEASE {d1}', 'OK'],
      ['g1', 'EVENTS', ['* @releaseDomain r']],
      ['dom0', 'SET_PERMS @releaseDomain n0', 'OK'],
      ['g1', 'EVENTS', ['* @releaseDomain r']],
    ],
  },
  {
    name: 'RM / is refused',
    why: 'never to be sent',
    alone: 'oxenstored does it, and nothing is left',
    rows: [
      ['dom0', 'RM /', 'EINVAL'],
      ['dom0', 'READ /tool/xenstored', '= '],
    ],
  },
];

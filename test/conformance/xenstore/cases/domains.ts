import type { Case } from '../case.ts';

/** INTRODUCE, RELEASE and what hangs on domains. */
export const domains: readonly Case[] = [
  {
    name: 'INTRODUCE and RELEASE fire the special watches',
    rows: [
      ['dom0', 'WATCH @introduceDomain i', ['OK', '* @introduceDomain i']],
      ['dom0', 'WATCH @releaseDomain r', ['OK', '* @releaseDomain r']],
      ['dom0', 'IS_DOMAIN_INTRODUCED {d1}', 'F'],
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', ['* @introduceDomain i', 'OK']],
      ['dom0', 'IS_DOMAIN_INTRODUCED {d1}', 'T'],
      ['dom0', 'RELEASE {d1}', ['OK', '* @releaseDomain r']],
      ['dom0', 'IS_DOMAIN_INTRODUCED {d1}', 'F'],
    ],
  },
  {
    name: 'INTRODUCE of a domain that is introduced',
    rows: [
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'WATCH @introduceDomain i', ['OK', '* @introduceDomain i']],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'RELEASE {d1}', 'OK'],
    ],
  },
  {
    name: 'INTRODUCE of a domain that Xen does not know',
    rows: [
      ['dom0', 'INTRODUCE {d1} 1 1', 'EINVAL'],
      ['dom0', 'IS_DOMAIN_INTRODUCED {d1}', 'F'],
    ],
  },
  {
    name: 'malformed INTRODUCE',
    rows: [
      ['dom0', 'INTRODUCE {d1}', 'EINVAL'],
      ['dom0', 'INTRODUCE {d1} 1', 'EINVAL'],
      ['dom0', 'INTRODUCE 99999 1 1', 'EINVAL'],
      ['dom0', 'INTRODUCE', 'EINVAL'],
    ],
  },
  {
    name: 'INTRODUCE with event channel 0',
    alone: 'oxenstored does it',
    rows: [
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 0', 'EINVAL'],
    ],
  },
  {
    name: 'RELEASE and RESUME of who is not introduced',
    rows: [
      ['dom0', 'RELEASE {d1}', 'ENOENT'],
      ['dom0', 'RESUME {d1}', 'ENOENT'],
    ],
  },
  {
    name: 'RELEASE and RESUME of dom0',
    alone: 'oxenstored does it, and introduces nobody after that',
    rows: [
      ['dom0', 'RELEASE 0', 'EINVAL'],
      ['dom0', 'RESUME 0', 'EINVAL'],
    ],
  },
  {
    name: 'RESUME of an introduced domain',
    rows: [
      ['g1', 'RESET_WATCHES', 'OK'],
      ['dom0', 'RESUME {g1}', 'OK'],
    ],
  },
  {
    name: 'the nodes of a released domain go, with what is below',
    rows: [
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'MKDIR /t/own', 'OK'],
      ['dom0', 'SET_PERMS /t/own n{d1}', 'OK'],
      ['dom0', 'WRITE /t/own/a/b 1', 'OK'],
      ['dom0', 'SET_PERMS /t/own/a/b n0', 'OK'],
      ['dom0', 'WRITE /t/other 1', 'OK'],
      ['dom0', 'RELEASE {d1}', 'OK'],
      ['dom0', 'DIRECTORY /t', 'other'],
      ['dom0', 'READ /t/own/a/b', 'ENOENT'],
    ],
  },
  {
    name: 'watches fire for the nodes of a released domain, then @releaseDomain',
    rows: [
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'MKDIR /t/own', 'OK'],
      ['dom0', 'SET_PERMS /t/own n{d1}', 'OK'],
      ['dom0', 'WRITE /t/own/a/b 1', 'OK'],
      ['dom0', 'WATCH @releaseDomain r', ['OK', '* @releaseDomain r']],
      ['dom0', 'WATCH /t/own/a A', ['OK', '* /t/own/a A']],
      ['dom0', 'WATCH /t/own O', ['OK', '* /t/own O']],
      ['dom0', 'RELEASE {d1}', ['OK', '* /t/own/a A', '* /t/own O', '* @releaseDomain r']],
    ],
  },
  {
    name: 'a released domain stays while another has it as target',
    why: 'end the stub domain before its guest, as libxl does',
    rows: [
      ['host', 'create {d1}', 'done'],
      ['dom0', 'INTRODUCE {d1} 1 1', 'OK'],
      ['dom0', 'WRITE /t/own 1', 'OK'],
      ['dom0', 'SET_PERMS /t/own n{d1}', 'OK'],
      ['g2', 'READ /t/own', 'EACCES'],
      ['dom0', 'SET_TARGET {g2} {d1}', 'OK'],
      ['g2', 'READ /t/own', '= 1'],
      ['dom0', 'RELEASE {d1}', 'OK'],
      ['dom0', 'READ /t/own', '= 1'],
    ],
  },
  {
    name: 'SET_PERMS for an owner that Xen does not know',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'SET_PERMS /t n{d1}', 'ENOENT'],
      ['dom0', 'GET_PERMS /t', 'n0'],
    ],
  },
  {
    name: 'SET_PERMS with an owner that no domain can be',
    rows: [
      ['dom0', 'MKDIR /t', 'OK'],
      ['dom0', 'SET_PERMS /t n70000', 'ENOENT'],
    ],
  },
  {
    name: 'GET_DOMAIN_PATH answers for any number',
    rows: [
      ['dom0', 'GET_DOMAIN_PATH 12', '/local/domain/12'],
      ['dom0', 'GET_DOMAIN_PATH 99999', '/local/domain/99999'],
      ['dom0', 'GET_DOMAIN_PATH abc', '/local/domain/0'],
      ['dom0', 'GET_DOMAIN_PATH ""', '/local/domain/0'],
    ],
  },
  {
    name: 'IS_DOMAIN_INTRODUCED of the asker itself and of dom0',
    rows: [
      ['dom0', 'IS_DOMAIN_INTRODUCED 32752', 'T'],
      ['dom0', 'IS_DOMAIN_INTRODUCED 0', 'T'],
    ],
  },
  {
    name: 'numbers that are none',
    rows: [
      ['dom0', 'RELEASE abc', 'EINVAL'],
      ['dom0', 'RELEASE', 'EINVAL'],
      ['dom0', 'RESUME', 'EINVAL'],
    ],
  },
  {
    name: 'IS_DOMAIN_INTRODUCED without a number',
    rows: [['dom0', 'IS_DOMAIN_INTRODUCED', 'T']],
  },
  {
    name: 'a guest’s connection works as soon as it is introduced',
    rows: [
      ['g1', 'GET_DOMAIN_PATH {g1}', '/local/domain/{g1}'],
      ['g1', 'READ name', 'EACCES'],
      ['g1', 'RESET_WATCHES', 'OK'],
    ],
  },
];

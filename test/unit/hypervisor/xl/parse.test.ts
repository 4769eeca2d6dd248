import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseInfo } from '../../../../operator/hypervisor/xl/parse-info.ts';
import { parseList } from '../../../../operator/hypervisor/xl/parse-list.ts';
import { tidyErrors } from '../../../../operator/hypervisor/xl/tidy-output.ts';
import { xlFailure } from '../../../../operator/hypervisor/xl/xl-failure.ts';
import { dom0Line, listHeader, listLine } from '../../../support/fake-xl.ts';

const uuid = '7f9afc3f-98e7-473e-b584-b370223dd693';

describe('xl list -v', () => {
  test('as the lab prints it', () => {
    const lines = [
      'hvm1                                         1    59     1     --p---       0.0 7f9afc3f-98e7-473e-b584-b370223dd693        -                -',
      'hvm1-dm                                      2   196     1     -b----       6.5 faa41abc-5dfc-4c08-b3fe-4f69ba1e9e5c        -                -',
    ];
    expect(parseList([listHeader, dom0Line, ...lines, ''].join('\n'))).toEqual([
      {
        domid: 0,
        uuid: '00000000-0000-0000-0000-000000000000',
        name: 'Domain-0',
        memoryMiB: 1024,
        paused: false,
        dying: false,
        shutdown: false,
      },
      { domid: 1, uuid, name: 'hvm1', memoryMiB: 59, paused: true, dying: false, shutdown: false },
      {
        domid: 2,
        uuid: 'faa41abc-5dfc-4c08-b3fe-4f69ba1e9e5c',
        name: 'hvm1-dm',
        memoryMiB: 196,
        paused: false,
        dying: false,
        shutdown: false,
      },
    ]);
  });

  test.each([
    ['---ss-', '2', { shutdown: true, shutdownReason: 2, dying: false }],
    ['---s-d', '0', { shutdown: true, shutdownReason: 0, dying: true }],
    ['---sc-', '3', { shutdown: true, shutdownReason: 3, dying: false }],
    ['r-----', '-', { shutdown: false, dying: false }],
  ])('state %s with reason %s', (state, reason, facts) => {
    const [, domain] = parseList([listHeader, dom0Line, listLine('a', 5, uuid, state, reason)].join('\n'));
    expect(domain).toMatchObject({ domid: 5, ...facts });
    expect(domain?.shutdownReason).toBe('shutdownReason' in facts ? facts.shutdownReason : undefined);
  });

  test.each([
    ['nothing', ''],
    ['an error', 'libxl: error: something'],
    ['a short list', 'Name                                        ID   Mem VCPUs\tState\tTime(s)'],
    ['garbage after the header', `${listHeader}\n\0\x1b[2J`],
    ['a line cut', `${listHeader}\n${dom0Line.slice(0, 80)}`],
    ['a domid twice', [listHeader, dom0Line, dom0Line].join('\n')],
    ['a domid that no domain has', [listHeader, listLine('a', 0x7ff0, uuid)].join('\n')],
    ['an empty line between', [listHeader, '', dom0Line].join('\n')],
  ])('%s is no list', (_, text) => {
    expect(() => parseList(text)).toThrow(expect.objectContaining({ code: 'Failed' }));
  });

  test('a name may be anything on one line', () => {
    const word = fc
      .string({ unit: 'grapheme', maxLength: 60 })
      .map((text) => text.replace(/[\n\r\u2028\u2029]/g, ' ').trim());
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 0x7fef }), (name, domid) => {
        const line = listLine(name, domid, uuid);
        const [, domain] = parseList([listHeader, dom0Line, line, ''].join('\n'));
        expect(domain).toMatchObject({ domid, uuid, name });
      }),
    );
  });
});

describe('xl info', () => {
  const good =
    'virt_caps              : pv hvm hvm_directio\ntotal_memory           : 3071\nfree_memory            : 2014\nxen_version            : 4.17.7\n';

  test('gives what is needed', () => {
    expect(parseInfo(good)).toEqual({ xenVersion: '4.17.7', totalMiB: 3071, freeMiB: 2014, hvm: true, directIo: true });
    expect(parseInfo(good.replace(' hvm_directio', ''))).toMatchObject({ hvm: true, directIo: false });
    expect(parseInfo(good.replace('4.17.7', '4.13.5-10.58'))).toMatchObject({ xenVersion: '4.13.5-10.58' });
  });

  test.each(['virt_caps', 'total_memory', 'free_memory', 'xen_version'])('is refused without %s', (name) => {
    expect(() => parseInfo(good.replace(name, 'other'))).toThrow(expect.objectContaining({ code: 'Failed' }));
  });

  test.each([
    ['4.17.7', '4.17.7 $(x)'],
    ['3071', '-1'],
    ['2014', '1e9'],
    ['3071', ''],
  ])('is refused with %s for %s', (from, to) => {
    expect(() => parseInfo(good.replace(from, to))).toThrow(expect.objectContaining({ code: 'Failed' }));
  });

  test('never throws anything else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.nat(200), (noise, at) => {
        try {
          parseInfo(good.slice(0, at) + noise + good.slice(at));
        } catch (error) {
          expect(error).toMatchObject({ code: 'Failed' });
        }
      }),
    );
  });
});

/** Seen in the lab, Xen 4.17. */
const outputs = {
  nameTaken: `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain 5:Domain with name "second" already exists.
libxl: error: libxl_create.c:1296:initiate_domain_create: Domain 5:cannot make domain: -6
libxl: error: libxl_xshelp.c:206:libxl__xs_read_mandatory: xenstore read failed: \`/libxl/5/type': No such file or directory
libxl: warning: libxl_dom.c:49:libxl__domain_type: unable to get domain type for domid=5, assuming HVM
libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain 5:Non-existant domain
libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain 5:Unable to destroy guest`,
  noMemory: `xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory
libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: Cannot allocate memory
libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain 6:cannot (re-)build domain: -3`,
  noMemoryForStub: `xc: error: panic: xg_dom_x86.c:1319: meminit_pv: failed to allocate 0x77000 pages: Internal error
xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory
libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: Device or resource busy`,
  timedOut: `libxl: error: libxl_dm.c:2841:stubdom_xswait_cb: Stubdom 11 for 10 startup: startup timed out
libxl: error: libxl_create.c:1896:domcreate_devmodel_started: Domain 10:device model did not start: -9
libxl: error: libxl_xshelp.c:206:libxl__xs_read_mandatory: xenstore read failed: \`/libxl/10/type': No such file or directory`,
  syntax: `/run/stubdom/guest.cfg:33: config parsing error near \`bar': syntax error, unexpected IDENT, expecting += or '='
Failed to parse config: Invalid argument`,
};

describe('failures of xl', () => {
  test.each([
    ['nameTaken', 'Failed', /another domain has this name\. Rename/],
    ['noMemory', 'NoMemory', /not enough free memory.*Free some/],
    ['noMemoryForStub', 'NoMemory', /not enough free memory/],
    ['timedOut', 'Failed', /did not come up in time.*qemu-dm/],
    ['syntax', 'Failed', /defaults file/],
  ] as const)('%s is %s', (name, code, words) => {
    const failure = xlFailure('create guest g1', 3, outputs[name]);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(words);
    expect(failure.message).toMatch(/^Cannot create guest g1: [^\n]+$/);
  });

  test('read the same whatever the domid', () => {
    const other = outputs.noMemory.replaceAll('Domain 6', 'Domain 123');
    expect(xlFailure('x', 3, other).message).toBe(xlFailure('x', 3, outputs.noMemory).message);
    const late = outputs.timedOut
      .replaceAll('Stubdom 11 for 10', 'Stubdom 13 for 12')
      .replaceAll('Domain 10', 'Domain 12');
    expect(xlFailure('x', 3, late).message).toBe(xlFailure('x', 3, outputs.timedOut).message);
  });

  test('without a word are told by the status', () => {
    expect(xlFailure('end domain 7', 1, '').message).toBe(
      'Cannot end domain 7: xl ended with status 1 and said nothing. It is tried again.',
    );
    expect(xlFailure('end domain 7', undefined, '\n').message).toMatch(/ended with a signal and said nothing/);
  });

  test('are one line of printable ASCII, and not long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), (text) => {
        const said = tidyErrors(`libxl: error: ${text}`);
        expect(said).toMatch(/^[\x20-\x7e]*$/);
        expect(said.length).toBeLessThanOrEqual(500);
      }),
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import {
  LineSplitter,
  parseRequest,
  parseResponse,
  SimulatedProtocolError,
} from '../../../operator/hypervisor/simulated-protocol.ts';

describe('lines', () => {
  test('are cut at every possible place', () => {
    const text = '{"id":1}\n\n{"id":2,"x":"é"}\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const splitter = new LineSplitter();
      expect([...splitter.push(text.slice(0, cut)), ...splitter.push(text.slice(cut))]).toEqual([
        '{"id":1}',
        '',
        '{"id":2,"x":"é"}',
      ]);
    }
  });

  test('that never end are refused as soon as they are too long', () => {
    const splitter = new LineSplitter(10);
    expect(splitter.push('0123456789')).toEqual([]);
    expect(() => splitter.push('x')).toThrow(SimulatedProtocolError);
  });

  test('of the longest length pass', () => {
    expect(new LineSplitter(10).push('0123456789\n0123456789\n')).toEqual(['0123456789', '0123456789']);
  });
});

describe('documents', () => {
  test.each([
    '',
    'x',
    '1',
    'null',
    '[]',
    '{}',
    '{"id":"1","verb":"info","args":[]}',
    '{"id":1,"verb":"info"}',
    '{"id":1,"args":[]}',
  ])('%j is no request', (line) => {
    expect(() => parseRequest(line)).toThrow(SimulatedProtocolError);
  });

  test.each(['', 'x', 'null', '{}', '{"id":1.5,"result":1}'])('%j is no answer', (line) => {
    expect(() => parseResponse(line)).toThrow(SimulatedProtocolError);
  });

  test.each([
    ['{"id":1,"error":{"code":"NoMemory","message":"m"}}', 'NoMemory', 'm'],
    ['{"id":1,"error":{"code":"Nonsense"}}', 'Failed', 'the simulated hypervisor failed'],
    ['{"id":1,"error":null}', 'Failed', 'the simulated hypervisor failed'],
  ])('%s is an error', (line, code, message) => {
    expect(parseResponse(line)).toEqual({ id: 1, error: { code, message } });
  });
});

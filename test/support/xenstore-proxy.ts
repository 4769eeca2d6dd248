import { PacketParser } from '../../operator/xenstore/parser.ts';
import { encodePacket, MessageType, messageTypeName, PAYLOAD_MAX } from '../../operator/xenstore/wire.ts';
import { startBreakingProxy, type BreakingProxy, type RequestSplitter } from './breaking-proxy.ts';
import type { FaultLine, MutatingRequest } from './fault-line.ts';

const mutating: ReadonlySet<number> = new Set([
  MessageType.WRITE,
  MessageType.MKDIR,
  MessageType.RM,
  MessageType.SET_PERMS,
  MessageType.TRANSACTION_END,
  MessageType.SET_TARGET,
  MessageType.INTRODUCE,
  MessageType.RELEASE,
  MessageType.RESUME,
]);

const abortion = Buffer.from('F\0');

/** Starts a proxy at `socketPath` before the XenStore daemon at `upstreamPath`. */
export async function startXenStoreProxy(
  socketPath: string,
  upstreamPath: string,
  line: FaultLine,
): Promise<BreakingProxy> {
  return startBreakingProxy(socketPath, upstreamPath, line, packets);
}

const packets: RequestSplitter = (onRequest) => {
  const parser = new PacketParser(
    {
      onPacket: (type, reqId, txId, buffer, start, end) => {
        const payload = buffer.subarray(start, end);
        const change = mutating.has(type) ? describe(type, txId, payload) : undefined;
        onRequest(encodePacket(type, reqId, txId, payload), change);
      },
    },
    PAYLOAD_MAX,
  );
  return (chunk) => parser.push(chunk);
};

function describe(type: number, txId: number, payload: Buffer): MutatingRequest {
  const aborts = type === MessageType.TRANSACTION_END && payload.equals(abortion);
  const [path = ''] = payload.toString('latin1').split('\0', 1);
  return {
    link: 'XenStore',
    text: `${messageTypeName(type)} ${path}`,
    effective: type === MessageType.TRANSACTION_END ? !aborts : txId === 0,
  };
}

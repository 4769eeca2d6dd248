import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import { deviceModelArguments } from './arguments.ts';

/** Why a spec is not acted upon, in words for its condition. */
export interface Refusal {
  readonly reason: 'Unsupported' | 'InvalidSpec';
  readonly message: string;
}

// One XenStore message holds 4096 bytes: path, NUL and value (xs_wire.h); the path is shorter than 64.
const maxCommandLine = 4096 - 64;

/** The refusal of what this version does not act upon, if any. */
export function refuse(spec: StubDomainSpec, targetName: string): Refusal | undefined {
  if (spec.flavor === 'Linux') {
    return {
      reason: 'Unsupported',
      message: 'spec.flavor Linux is not acted upon yet: its device model is driven through QMP. Use MiniOS.',
    };
  }
  if (spec.provisioning === 'Adopt') {
    return {
      reason: 'Unsupported',
      message:
        'spec.provisioning Adopt is not acted upon yet. Use Create, and let no other toolstack make the stub domain.',
    };
  }
  if (spec.bios !== 'ROMBIOS') {
    return {
      reason: 'Unsupported',
      message: `spec.bios ${spec.bios} needs upstream QEMU; the device model of flavor MiniOS only boots ROMBIOS.`,
    };
  }
  const length = deviceModelArguments(spec, { domid: 65535, name: targetName }).join(' ').length;
  if (length > maxCommandLine) {
    return {
      reason: 'InvalidSpec',
      message: `The command line of the device model would have ${length} characters, and XenStore takes ${maxCommandLine}: shorten spec.deviceModelArgs or drop some of spec.nics.`,
    };
  }
  return undefined;
}

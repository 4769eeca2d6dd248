import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import { deviceModelArguments } from './arguments.ts';

/** Why a spec is not acted upon, in words for its condition. */
export interface Refusal {
  readonly reason: 'Unsupported' | 'InvalidSpec';
  readonly message: string;
}

// One XenStore message holds 4096 bytes: path, NUL and value (xs_wire.h); the path is shorter than 64.
const maxCommandLine = 4096 - 64;

/** The device model's command line is split at blanks, and its log in dom0 is named after the guest. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$/;

/** Upstream QEMU in a Linux stub domain is driven through QMP, which is not spoken yet. */
function refuseLinux({ provisioning, runState }: StubDomainSpec): Refusal | undefined {
  if (provisioning === 'Create') {
    return {
      reason: 'Unsupported',
      message:
        'spec.flavor Linux is only acted upon with provisioning Adopt, where another toolstack makes the stub domain. Use that, or MiniOS.',
    };
  }
  if (runState === 'Paused') {
    return {
      reason: 'Unsupported',
      message:
        'A device model of flavor Linux is paused through QMP, which is not spoken yet. Set spec.runState to Running.',
    };
  }
  return undefined;
}

/** What does not fit the host: either its agent makes stub domains, or its toolstack does. */
function refuseHost({ guest }: StubDomainSpec, madeBy: 'agent' | 'toolstack'): Refusal | undefined {
  if (madeBy === 'agent' && guest !== undefined) {
    return {
      reason: 'Unsupported',
      message:
        'The host of this StubDomain has no toolstack that starts guests. Leave spec.guest out, and start the guest.',
    };
  }
  if (madeBy === 'toolstack' && guest === undefined) {
    return {
      reason: 'Unsupported',
      message:
        'On this host libxl makes the stub domain when it makes the guest. Delete the StubDomain and create it with provisioning Adopt, or with the guest in spec.guest.',
    };
  }
  return undefined;
}

/** The refusal of what this version does not act upon, if any. */
export function refuse(
  spec: StubDomainSpec,
  targetName: string,
  madeBy: 'agent' | 'toolstack' = 'agent',
): Refusal | undefined {
  if (spec.flavor === 'Linux') return refuseLinux(spec);
  if (spec.provisioning === 'Adopt') return undefined;
  const host = refuseHost(spec, madeBy);
  if (host !== undefined) return host;
  if (spec.bios !== 'ROMBIOS') {
    return {
      reason: 'Unsupported',
      message: `spec.bios ${spec.bios} needs upstream QEMU; the device model of flavor MiniOS only boots ROMBIOS.`,
    };
  }
  if (targetName !== '' && !plainName.test(targetName)) {
    return {
      reason: 'Unsupported',
      message:
        'The name of the guest holds characters that cannot stand in a command line or in the name of a log, such as blanks or slashes. Rename the guest (xl rename), or have its toolstack make the stub domain (provisioning Adopt).',
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

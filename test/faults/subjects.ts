import { expect } from '@jest/globals';
import type { FaultHost, FaultWorld } from '../support/world-parts.ts';
import { observeHost, observeObjects } from './observe.ts';
import { arrive, type Operation, resume } from './operations.ts';
import { expectedHost, expectedObjects, isUp, type State, untouched } from './state.ts';
import {
  isGone,
  makeSubject,
  removeAttachment,
  removeStubDomain,
  untilAttachment,
  untilStubDomain,
  type Subject,
} from './subject.ts';

/** A subject, and what it should be by now. */
export interface Known {
  readonly subject: Subject;
  state: State;
}

/** Throws what is wrong with the world as far as the subject goes. */
export async function verify(world: FaultWorld, subject: Subject, state: State): Promise<void> {
  const [host, objects] = await Promise.all([observeHost(subject), observeObjects(world, subject)]);
  expect({ ...host, ...objects }).toEqual({ ...expectedHost(subject, state), ...expectedObjects(state) });
}

/** Brings a subject through an operation without any fault. */
export async function undisturbed(world: FaultWorld, known: Known, operation: Operation): Promise<void> {
  const goal = operation.to(known.state);
  await operation.act(world, known.subject);
  await arrive(world, known.subject, operation, goal);
  known.state = goal;
}

/**
 * The subjects of a world, as many as its hosts have devices for. What an operation left, and was found right, is where
 * the next one begins: that saves making it, and puts faults on top of faults.
 */
export class Subjects {
  readonly #world: FaultWorld;
  readonly #idle = new Set<Known>();
  readonly #devices: Map<FaultHost, string[]>;
  #made = 0;

  constructor(world: FaultWorld) {
    this.#world = world;
    this.#devices = new Map(world.hosts.map((host) => [host, [...host.addresses]]));
  }

  /** One on that host at which the operation can begin: the one that waits longest, or a new one. */
  async take(host: FaultHost, operation: Operation): Promise<Known> {
    for (const known of this.#idle) {
      if (known.subject.host !== host || !operation.fits(known.state)) continue;
      this.#idle.delete(known);
      return known;
    }
    const known = await this.#make(host);
    for (const earlier of operation.before) await undisturbed(this.#world, known, earlier);
    return known;
  }

  /** It was found as it should be. */
  async giveBack(known: Known): Promise<void> {
    const { stubDomain } = known.state;
    if (stubDomain === 'deleted') await this.#remove(known);
    else this.#idle.add(known);
  }

  /** Looks at all that are idle again: what came later must not have changed them. */
  async verifyAll(): Promise<void> {
    for (const { subject, state } of this.#idle) await verify(this.#world, subject, state);
  }

  /** Takes all down that are idle. */
  async removeAll(): Promise<void> {
    await Promise.all([...this.#idle].map((known) => this.#remove(known)));
  }

  async #make(host: FaultHost): Promise<Known> {
    const free = this.#devices.get(host) ?? [];
    const [oldest] = [...this.#idle].filter(({ subject }) => subject.host === host);
    if (free.length < 2 && oldest !== undefined) await this.#remove(oldest);
    const [address, other] = free.splice(0, 2);
    if (address === undefined || other === undefined) throw new Error(`${host.name} has no devices left`);
    this.#made += 1;
    const known = { subject: await makeSubject(host, `s${this.#made}`, [address, other]), state: untouched };
    return known;
  }

  async #remove(known: Known): Promise<void> {
    const { subject, state } = known;
    const { host, uuid, addresses } = subject;
    const both = [0, 1] as const;
    // One that is paused can confirm no removal, and what was not confirmed stays with pciback.
    if (state.stubDomain === 'paused') await undisturbed(this.#world, known, resume);
    for (const which of both) if (state.attachments[which]) await removeAttachment(this.#world, subject, which);
    for (const which of both) await untilAttachment(this.#world, subject, which, isGone);
    if (isUp(state)) await removeStubDomain(this.#world, subject);
    await untilStubDomain(this.#world, subject, isGone);
    await host.admin.removeGuest(uuid);
    this.#devices.get(host)?.push(...addresses);
    this.#idle.delete(known);
  }
}

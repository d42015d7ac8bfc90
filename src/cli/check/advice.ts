import { kadProtocol } from '../../rendezvous/service.ts'
import type { Problem, StepName } from './steps.ts'

/** A failure whose reason is known by name. */
export class CheckFailure extends Error implements Problem {
  override readonly name = 'CheckFailure'

  constructor(
    readonly problem: string,
    readonly advice: string
  ) {
    super(problem)
  }
}

/** A step took longer than a client waits. */
export class TooLate extends Error {
  override readonly name = 'TooLate'

  constructor(readonly afterMs: number) {
    super(`no answer within ${afterMs} ms`)
  }
}

export interface Where {
  readonly host: string
  readonly port: number
  readonly peerId: string | undefined
}

/** The node at the address is somebody else. */
export function otherPeer(expected: string, found: string): CheckFailure {
  return new CheckFailure(
    `the node there is ${found}, not ${expected}`,
    `hand out the address with /p2p/${found}, or give the node the key of ${expected} again (PRIVATE_KEY, or identity.key in DATA_DIR)`
  )
}

/** Nobody keeps a DHT client in the routing table. */
export function noKad(agent: string): CheckFailure {
  return new CheckFailure(
    `${agent} does not offer ${kadProtocol}`,
    'clients take nobody for a bootstrap node whose DHT runs in client mode or not at all; check that the port is that of the bootstrap node'
  )
}

export function recordNotFound(): CheckFailure {
  return new CheckFailure(
    'the node does not list the provider record that it has just been given',
    'clients cannot be found: see PROVIDER_MAX_RECORDS and PROVIDER_MAX_MB, and the log of the node'
  )
}

/** What an error of a step means for whoever runs the node. */
export function explain(step: StepName, error: unknown, where: Where): Problem {
  if (error instanceof CheckFailure) return error
  if (error instanceof TooLate) return tooLate(step, error, where)
  const reason = reasonOf(error)
  switch (step) {
    case 'resolve':
      return {
        problem: `the name ${where.host} has no address (${reason})`,
        advice: 'check its DNS record, or use the IP address'
      }
    case 'TCP':
      return connecting(reason, where)
    case 'security':
      return securing(reason, where)
    case 'muxer':
      return { problem: `no muxer could be agreed on (${reason})`, advice: 'clients speak yamux; is it a libp2p node?' }
    default:
      return {
        problem: `${step} failed (${reason})`,
        advice: 'the node accepts connections and does not serve them: see its log, or whether it is overloaded'
      }
  }
}

function tooLate(step: StepName, { afterMs }: TooLate, { host, port }: Where): Problem {
  if (step === 'TCP') {
    return {
      problem: `${host} port ${port} does not answer within ${afterMs} ms`,
      advice: `open TCP port ${port} in the firewall and the provider's security group; check that PUBLIC_IP is the address of this machine, and that a NAT forwards the port`
    }
  }
  return {
    problem: `${step} was not over within ${afterMs} ms`,
    advice:
      'the port is open and nobody serves it in time: the node hangs or is overloaded, or something else listens there'
  }
}

function connecting(reason: string, where: Where): Problem {
  const { host, port } = where
  if (reason.includes('ECONNREFUSED')) {
    return {
      problem: `nobody listens at ${host} port ${port} (ECONNREFUSED)`,
      advice: 'start the node, or check BOOTSTRAP_PORT and LISTEN_ADDRESS; in Docker the port must be published'
    }
  }
  if (/EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL/.test(reason)) {
    return {
      problem: `there is no way to ${host} (${reason})`,
      advice: 'check the address, and that this machine has IPv6 if it is one of IPv6'
    }
  }
  // accepted and closed before this side saw that it was accepted
  if (reason.includes('ECONNRESET')) return turnedAway(reason, where)
  return { problem: `${host} port ${port} cannot be reached (${reason})`, advice: 'check address, port and firewall' }
}

function securing(reason: string, where: Where): Problem {
  if (/select|protocol|EncryptionFailed.*negotiat/i.test(reason)) {
    return {
      problem: `neither TLS nor Noise could be agreed on (${reason})`,
      advice: `check that port ${where.port} is that of the bootstrap node and of no other service`
    }
  }
  return turnedAway(reason, where)
}

function turnedAway(reason: string, { port }: Where): Problem {
  return {
    problem: `the connection ended before it was secure (${reason})`,
    advice: `the node turned this client away, being full (CONN_MANAGER_HIGH_WATER) or short of files or memory, or port ${port} is that of another service: see the log of the node, and \`doctor\` on its machine`
  }
}

/** With the system's own code, wherever in the chain it is. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  const { code } = error as NodeJS.ErrnoException
  const own = typeof code === 'string' && !error.message.includes(code) ? `${error.message} ${code}` : error.message
  return inner instanceof Error ? `${own}: ${reasonOf(inner)}` : own
}

import { BootstrapError } from '../../errors.ts'
import { OpenPort } from './open-port.ts'

/** A listening socket that the process was started with. */
export interface PassedSocket {
  readonly fd: number
  /** As its giver calls it. */
  readonly name: string
}

/** The ports of a node: opened when a listener asks for them, or open already when it does. */
export class Ports {
  readonly #passed: readonly PassedSocket[]
  readonly #open: OpenPort[] = []

  /** @param passed sockets that listeners take over instead of opening their ports */
  constructor(passed: readonly PassedSocket[] = []) {
    this.#passed = passed
  }

  /** Whether sockets were passed. */
  get arePassed(): boolean {
    return this.#passed.length > 0
  }

  /** Opens a port now for a listener that comes later. One that cannot be opened is left to that listener, which says why. */
  async openEarly(hosts: readonly string[], port: number): Promise<void> {
    if (this.arePassed) return
    for (const host of hosts) {
      try {
        this.#open.push(await OpenPort.open({ host, port }))
      } catch {
        // said by the listener
      }
    }
  }

  /**
   * Takes over the sockets that were passed; who waits in them is accepted from now on.
   *
   * @throws BootstrapError ERR_PASSED_SOCKET when one is not a listening socket at one of these addresses
   */
  async adopt(hosts: readonly string[], port: number): Promise<void> {
    for (const { fd, name } of this.#passed) {
      const opened = await OpenPort.open({ fd }).catch((cause: unknown) => {
        throw new BootstrapError('ERR_PASSED_SOCKET', { fd, name, what: 'is no TCP socket' }, { cause })
      })
      this.#open.push(opened)
      if (hosts.some((host) => opened.isAt(host, port))) continue
      const { address } = opened
      const what = address === undefined ? 'is no TCP socket' : `listens on ${address.address} port ${address.port}`
      throw new BootstrapError('ERR_PASSED_SOCKET', { fd, name, what })
    }
  }

  /** @throws the socket's error, such as EADDRINUSE */
  async open(host: string, port: number): Promise<OpenPort> {
    const at = this.#open.findIndex((opened) => opened.isAt(host, port))
    const [opened] = at < 0 ? [] : this.#open.splice(at, 1)
    return opened ?? OpenPort.open({ host, port })
  }

  /** Closes those that no listener has taken. */
  close(): void {
    for (const opened of this.#open.splice(0)) void opened.close()
  }
}

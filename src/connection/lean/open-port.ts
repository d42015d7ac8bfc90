import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket, SocketAddress } from 'node:net'

/** As many as the kernel allows (net.core.somaxconn): Node's default of 511 would turn a burst away. */
const backlog = 4_096

/** A start takes a second at most; whoever comes while this many wait is closed. */
const maxWaiting = 8_192

/** Where a port is: on an address of this machine, or a socket that the process was started with. */
export type Place = { readonly host: string; readonly port: number } | { readonly fd: number }

/** Who takes the sockets of a port. */
export interface PortOwner {
  onSocket(socket: Socket): void
  /** Such as EMFILE: the port stays open, and the socket was closed. */
  onError(error: Error): void
  onClose(): void
}

/** A port that is open, even before anybody serves it: who comes until then waits, unread. */
export class OpenPort {
  readonly #server: Server
  readonly #waiting: Socket[] = []
  readonly #most: number
  #owner: PortOwner | undefined
  /** Whether newcomers can still reach the port, or wait in it, once this process has closed it. */
  readonly outlivesUs: boolean

  private constructor(outlivesUs: boolean, most: number) {
    this.outlivesUs = outlivesUs
    this.#most = most
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#onSocket(socket))
  }

  /**
   * @param most how many may wait
   * @throws the socket's error, such as EADDRINUSE or, for a descriptor that is no socket, EINVAL
   */
  static async open(place: Place, most = maxWaiting): Promise<OpenPort> {
    const port = new OpenPort('fd' in place, most)
    const server = port.#server
    // Node 20.20 and 24 take the backlog of a descriptor from the second argument only (lib/net.js)
    if ('fd' in place) server.listen({ fd: place.fd }, backlog)
    else server.listen({ ...place, backlog, ipv6Only: place.host.includes(':') })
    await once(server, 'listening')
    server.on('error', (error) => port.#owner?.onError(error))
    server.on('close', () => port.#owner?.onClose())
    return port
  }

  /** Undefined once it is closed, and for a socket that is not of TCP. */
  get address(): AddressInfo | undefined {
    const bound = this.#server.address()
    return bound === null || typeof bound === 'string' ? undefined : bound
  }

  get listening(): boolean {
    return this.#server.listening
  }

  /** Sockets that nobody serves yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  isAt(host: string, port: number): boolean {
    const { address } = this
    return address !== undefined && address.port === port && plain(address.address) === plain(host)
  }

  /** Hands over who waits, in the order in which they came, and whoever comes. To be called once. */
  serve(owner: PortOwner): void {
    this.#owner = owner
    for (const socket of this.#waiting.splice(0)) owner.onSocket(socket)
  }

  /** Nobody is accepted from now on; settles once everybody who was accepted has gone. */
  close(): Promise<void> {
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    return new Promise((resolve) => {
      if (this.listening) this.#server.close(() => resolve())
      else resolve()
    })
  }

  #onSocket(socket: Socket): void {
    if (this.#owner !== undefined) this.#owner.onSocket(socket)
    else if (this.#waiting.length >= this.#most) socket.destroy()
    // what is not read has no errors
    else this.#waiting.push(socket)
  }
}

/** Of several ways to write an address, the one of the system. */
function plain(ip: string): string {
  return new SocketAddress({ address: ip, family: ip.includes(':') ? 'ipv6' : 'ipv4' }).address
}

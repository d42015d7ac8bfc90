import { ChildProcess } from 'node:child_process'
import { Socket as UdpSocket } from 'node:dgram'
import { Server, Socket } from 'node:net'
import { endpoint } from '../http/server.ts'

/** Something that the event loop waits on. */
export interface Resource {
  readonly kind: string
  /** Who made it, in words that many of its kind share: what a list is grouped by. */
  readonly origin: string
  /** What only this one has. */
  readonly detail: string
}

/** Node's own lists, undocumented but stable since 0.x; where one is missing, its part of the answer is empty. */
interface ActiveLists {
  _getActiveHandles?(): object[]
  _getActiveRequests?(): object[]
}

/** Handles and requests, described, at most `max`; `total` counts all. */
export function activeResources(max: number): { readonly resources: Resource[]; readonly total: number } {
  const lists = process as unknown as ActiveLists
  const handles = lists._getActiveHandles?.() ?? []
  const requests = lists._getActiveRequests?.() ?? []
  const resources = handles.slice(0, max).map(describeHandle)
  resources.push(...requests.slice(0, max - resources.length).map(describeRequest))
  return { resources, total: handles.length + requests.length }
}

/** Timers and immediates that keep the process alive. Node tells how many there are, not whose they are. */
export function activeTimers(): Resource[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => kind === 'Timeout' || kind === 'Immediate')
    .map((kind) => ({ kind, origin: 'unknown (ask with ?debug=2&seconds=N)', detail: '' }))
}

export function describeHandle(handle: object): Resource {
  if (handle instanceof Server) return describeServer(handle)
  if (handle instanceof Socket) return describeSocket(handle)
  if (handle instanceof UdpSocket) return { kind: kindOf(handle), origin: 'datagrams', detail: udpAddress(handle) }
  if (handle instanceof ChildProcess) {
    // never the arguments: they may hold a secret
    return { kind: 'ChildProcess', origin: handle.spawnfile, detail: `pid ${handle.pid ?? 'none'}` }
  }
  return { kind: kindOf(handle), origin: 'no more is known', detail: '' }
}

export function describeRequest(request: object): Resource {
  const { hostname, address, port, handle } = request as Record<string, unknown>
  const owner = typeof handle === 'object' && handle !== null ? kindOf(handle) : 'the process'
  const target = [hostname ?? address, port].filter((part) => part !== undefined).join(':')
  return { kind: kindOf(request), origin: `request of ${owner}`, detail: target === '' ? '' : `to ${target}` }
}

function describeServer(server: Server): Resource {
  const connections = (server as unknown as { _connections?: unknown })._connections
  return {
    kind: kindOf(server),
    origin: `listening on ${listeningAddress(server)}`,
    detail: typeof connections === 'number' ? `${connections} connections` : ''
  }
}

function describeSocket(socket: Socket): Resource {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  const isIp = remoteAddress !== undefined || socket.connecting
  const fd = (socket as unknown as { fd?: unknown }).fd
  const parts = isIp
    ? [`local ${endpoint(localAddress, localPort)}`, `remote ${endpoint(remoteAddress, remotePort)}`]
    : [typeof fd === 'number' ? `fd ${fd}` : 'no address']
  const state = socket.connecting ? 'connecting' : socket.destroyed ? 'destroyed' : socket.readyState
  parts.push(`state ${state}`, `read ${socket.bytesRead} B`, `written ${socket.bytesWritten ?? 0} B`)
  if (socket.writableLength > 0) parts.push(`${socket.writableLength} B waiting to be written`)
  return { kind: kindOf(socket), origin: originOf(socket, isIp), detail: parts.join(', ') }
}

/** An accepted socket knows its server. */
function originOf(socket: Socket, isIp: boolean): string {
  const server = (socket as unknown as { server?: unknown }).server
  if (server instanceof Server) return `inbound, accepted on ${listeningAddress(server)}`
  return isIp ? `outbound, to port ${socket.remotePort ?? 'unknown'}` : 'a pipe, terminal or local socket'
}

function listeningAddress(server: Server): string {
  const address = server.address()
  if (address === null) return 'nothing (closed)'
  return typeof address === 'string' ? address : endpoint(address.address, address.port)
}

function udpAddress(socket: UdpSocket): string {
  try {
    const { address, port } = socket.address()
    return `bound to ${endpoint(address, port)}`
  } catch {
    return 'not bound'
  }
}

function kindOf(value: object): string {
  const { name } = (value as { constructor?: { name?: unknown } }).constructor ?? {}
  return typeof name === 'string' && name !== '' ? name : 'Object'
}

import { keyOf } from '../peers/peer-key.ts'
import { encodePeer } from './wire.ts'

/** That a peer provides a key. */
export interface ProviderRecord {
  readonly key: string
  readonly contact: Contact
  expiresAtMs: number
}

/** A peer that is connected or provides something, with what is said of it in answers. */
export interface Contact {
  readonly id: Uint8Array
  readonly key: string
  /** The Peer message with its addresses; undefined while none is known. */
  encoded: Uint8Array | undefined
  connections: number
  /** What it provides: key → record; the oldest renewal first. Kept by the provider book. */
  readonly provides: Map<string, ProviderRecord>
}

/** Go peers list a handful, relayed addresses included; what is beyond is most likely hostile. */
const maxAddressesPerPeer = 16
/** A multiaddr over a relay with two peer ids has some 110 bytes, one with certificate hashes 150. */
const maxAddressBytes = 256

/**
 * Who is here, and how to reach them: one entry for each peer that is connected or has a provider record, so the size
 * is bounded by the connection cap and the provider book. Addresses are kept as bytes, unparsed: what this node cannot
 * read may well be what another peer needs.
 */
export class Contacts {
  readonly #byKey = new Map<string, Contact>()

  get size(): number {
    return this.#byKey.size
  }

  get(id: Uint8Array): Contact | undefined {
    return this.#byKey.get(keyOf(id))
  }

  connected(id: Uint8Array): void {
    this.#enter(id).connections++
  }

  disconnected(id: Uint8Array): void {
    const contact = this.get(id)
    if (contact === undefined) return
    contact.connections--
    this.dropIfUnused(contact)
  }

  /** @param key of the peer, from `peerKey` */
  isProviding(key: string): boolean {
    return (this.#byKey.get(key)?.provides.size ?? 0) > 0
  }

  /**
   * A connected peer said, by identify or identify-push, where it listens: this replaces what it said before. Saying nothing
   * takes nothing back from a provider: in Go the addresses of a provider record live on their own, too.
   */
  identified(id: Uint8Array, addrs: readonly Uint8Array[]): void {
    const contact = this.get(id)
    if (contact === undefined || (addrs.length === 0 && contact.provides.size > 0)) return
    setAddresses(contact, addrs)
  }

  /** The same, said in a provider record. Entered without a connection too: the peer may have left meanwhile. */
  provided(id: Uint8Array, addrs: readonly Uint8Array[]): Contact {
    const contact = this.#enter(id)
    setAddresses(contact, addrs)
    return contact
  }

  dropIfUnused(contact: Contact): void {
    if (contact.connections <= 0 && contact.provides.size === 0) this.#byKey.delete(contact.key)
  }

  #enter(id: Uint8Array): Contact {
    const key = keyOf(id)
    let contact = this.#byKey.get(key)
    if (contact === undefined) {
      contact = { id: new Uint8Array(id), key, encoded: undefined, connections: 0, provides: new Map() }
      this.#byKey.set(key, contact)
    }
    return contact
  }
}

function setAddresses(contact: Contact, addrs: readonly Uint8Array[]): void {
  const usable = addrs.filter((addr) => addr.length > 0 && addr.length <= maxAddressBytes).slice(0, maxAddressesPerPeer)
  contact.encoded = usable.length === 0 ? undefined : encodePeer(contact.id, usable)
}

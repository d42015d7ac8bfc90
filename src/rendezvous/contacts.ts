import type { Connection } from '@libp2p/interface'
import { keyOf } from '../peers/peer-key.ts'
import { encodePeer } from './encode.ts'
import type { ProviderRecord } from './provider-records.ts'
import type { Remembering } from './remembered/memory.ts'
import type { RpcBudget } from './rpc-budget.ts'

/** A peer that is connected or provides something, with what is said of it in answers. */
export interface Contact {
  /** From `keyOf` its id. */
  readonly key: string
  /** The Peer message with its addresses, one character a byte; undefined while none is known. */
  encoded: string | undefined
  connections: number
  /** The connection over which it said where it listens; kept while it is connected. */
  identifiedOver: Pick<Connection, 'remoteAddr'> | undefined
  /** What it may still ask; kept while it is connected. */
  budget: RpcBudget | undefined
  /** What it provides: key → record; the oldest renewal first. Kept by the provider book. */
  readonly provides: Map<string, ProviderRecord>
}

/** Who has to know what happens to providers. */
export interface ProviderObserver {
  /** The first connection of a provider has opened, or its last has closed. */
  cameOrLeft(contact: Contact): void
  /** What is said of a provider in answers has become longer or, below 0, shorter. */
  encodedAnew(contact: Contact, moreBytes: number): void
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
  #observer: ProviderObserver | undefined
  #memory: Remembering | undefined

  get size(): number {
    return this.#byKey.size
  }

  /** One observer: the provider book. */
  observe(observer: ProviderObserver): void {
    this.#observer = observer
  }

  /** Told of all that happens to contacts. */
  rememberWith(memory: Remembering): void {
    this.#memory = memory
  }

  /** Everybody; who comes while it is read comes too. */
  all(): Iterable<Contact> {
    return this.#byKey.values()
  }

  get(id: Uint8Array): Contact | undefined {
    return this.#byKey.get(keyOf(id))
  }

  /** @param key of the peer, from `peerKey` */
  ofKey(key: string): Contact | undefined {
    return this.#byKey.get(key)
  }

  connected(id: Uint8Array): Contact {
    const contact = this.#enter(id)
    contact.connections++
    if (contact.connections > 1) return contact
    if (contact.provides.size > 0) this.#observer?.cameOrLeft(contact)
    this.#remember(contact)
    return contact
  }

  disconnected(id: Uint8Array): void {
    const contact = this.get(id)
    if (contact === undefined || contact.connections === 0) return
    contact.connections--
    if (contact.connections > 0) return
    contact.budget = undefined
    contact.identifiedOver = undefined
    if (contact.provides.size === 0) {
      this.dropIfUnused(contact)
      return
    }
    this.#observer?.cameOrLeft(contact)
    this.#remember(contact)
  }

  /** @param key of the peer, from `peerKey` */
  isProviding(key: string): boolean {
    return (this.#byKey.get(key)?.provides.size ?? 0) > 0
  }

  /**
   * A connected peer said, by identify or identify-push, where it listens: this replaces what it said before. Saying nothing
   * takes nothing back from a provider: in Go the addresses of a provider record live on their own, too.
   */
  identified(id: Uint8Array, addrs: readonly Uint8Array[], over?: Pick<Connection, 'remoteAddr'>): void {
    const contact = this.get(id)
    if (contact === undefined) return
    if (contact.connections > 0) contact.identifiedOver = over
    const usable = usableOf(addrs)
    if (usable.length > 0 || contact.provides.size === 0) this.#setAddresses(contact, id, usable)
    this.#remember(contact)
  }

  /**
   * The same, said in a provider record. Entered without a connection too: the peer may have left meanwhile.
   *
   * @returns undefined when there is no way to reach the peer: such a record is of no use to anybody
   */
  provided(id: Uint8Array, addrs: readonly Uint8Array[]): Contact | undefined {
    const usable = usableOf(addrs)
    if (usable.length === 0) return undefined
    const contact = this.#enter(id)
    this.#setAddresses(contact, id, usable)
    return contact
  }

  dropIfUnused(contact: Contact): void {
    if (contact.connections > 0 || contact.provides.size > 0) return
    this.#byKey.delete(contact.key)
    this.#remember(contact)
  }

  /** One without addresses has not been written and will not be. */
  #remember(contact: Contact): void {
    if (contact.encoded !== undefined) this.#memory?.contactChanged(contact)
  }

  #enter(id: Uint8Array): Contact {
    const key = keyOf(id)
    let contact = this.#byKey.get(key)
    if (contact === undefined) {
      contact = {
        key,
        encoded: undefined,
        connections: 0,
        identifiedOver: undefined,
        budget: undefined,
        provides: new Map()
      }
      this.#byKey.set(key, contact)
    }
    return contact
  }

  #setAddresses(contact: Contact, id: Uint8Array, addrs: readonly Uint8Array[]): void {
    const before = contact.encoded
    const encoded = addrs.length === 0 ? undefined : encodePeer(id, addrs)
    // most say what they said before, and then no answer has to be put together anew
    if (encoded === before) return
    contact.encoded = encoded
    this.#memory?.contactChanged(contact)
    if (contact.provides.size > 0) this.#observer?.encodedAnew(contact, (encoded?.length ?? 0) - (before?.length ?? 0))
  }
}

function usableOf(addrs: readonly Uint8Array[]): Uint8Array[] {
  return addrs.filter((addr) => addr.length > 0 && addr.length <= maxAddressBytes).slice(0, maxAddressesPerPeer)
}

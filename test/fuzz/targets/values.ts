import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createIPNSRecord, marshalIPNSRecord, multihashToIPNSRoutingKey } from 'ipns'
import { CID } from 'multiformats/cid'
import { remotePrefixOf } from '../../../src/peers/address-prefix.ts'
import { dialable, endpointOf } from '../../../src/rendezvous/remembered/endpoint.ts'
import { ValueStore } from '../../../src/rendezvous/value-store.ts'
import { mutateBytes } from '../mutate/bytes.ts'
import { mutateProtobuf } from '../mutate/formats.ts'
import { bytesOfText, corpus, promise, promiseEqual, type Target } from '../target.ts'

const year = 365 * 24 * 3_600_000
const someCid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const someId = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'

function checkAddress(input: Uint8Array): void {
  const endpoint = endpointOf(input)
  if (endpoint !== undefined) {
    const again = endpointOf(dialable(endpoint, someId).bytes)
    promiseEqual(again, endpoint, 'an address that was written')
    promise(remotePrefixOf({ remoteAddr: dialable(endpoint, someId) }).length <= 50, 'a prefix that is no network')
  }
}

const addresses = [
  `/ip4/127.0.0.1/tcp/4001/p2p/${someId}`,
  `/ip6/2001:db8::1/tcp/4001`,
  '/ip6/::ffff:10.0.0.1/tcp/1',
  '/dns4/example.org/tcp/443/wss',
  '/ip4/10.0.0.1/udp/4001/quic-v1',
  `/ip4/10.0.0.1/tcp/1/p2p/${someId}/p2p-circuit/p2p/${someId}`
]

export async function valueTargets(): Promise<Target[]> {
  const key = await generateKeyPair('Ed25519')
  const ipns = marshalIPNSRecord(await createIPNSRecord(key, someCid, 1n, year))
  const ipnsKey = multihashToIPNSRoutingKey(key.publicKey.toMultihash())
  const pk = publicKeyToProtobuf(key.publicKey)
  const pkKey = Buffer.concat([Buffer.from('/pk/'), key.publicKey.toMultihash().bytes])
  const store = new ValueStore()
  const seeds = [ipns, pk]
  const known = new Set(seeds.map((seed) => Buffer.from(seed).toString('hex')))

  const checkValue = async (input: Uint8Array) => {
    for (const name of [ipnsKey, pkKey, input.subarray(0, 40), Buffer.concat([Buffer.from('/ipns/'), input])]) {
      const taken = await store.put({ key: name, value: input }, 0)
      const isOurs = name === ipnsKey || name === pkKey
      promise(!taken || input.length <= 10 * 1024, `a value of ${input.length} bytes was taken`)
      // a protobuf with another order or unknown fields may be as good; then it says the same, signed
      if (taken && isOurs && !known.has(Buffer.from(input).toString('hex'))) {
        const stored = store.get(name, 0)?.record.value
        promise(stored !== undefined && Buffer.compare(stored, input) === 0, 'the store holds something else')
      }
    }
    promise(store.size <= 1024, `${store.size} values`)
  }
  return [
    { name: 'value record', weight: 0.5, seeds, mutate: mutateProtobuf, check: checkValue },
    {
      name: 'address',
      weight: 6,
      seeds: [...addresses.map((text) => multiaddr(text).bytes), ...corpus('address'), bytesOfText('')],
      mutate: mutateBytes,
      check: checkAddress
    }
  ]
}

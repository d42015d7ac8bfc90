import { newIdentity, privateKeyHex } from '../identity/identity.ts'

/** What `--generate-key` prints, in the form of the Go service. The key is a secret; it goes nowhere else. */
export async function generatedKey(): Promise<string> {
  const identity = await newIdentity()
  return `Generated Private Key (hex): ${privateKeyHex(identity)}
Derived Peer ID: ${identity.peerId}
Expected Multiaddress (local placeholder): /ip4/127.0.0.1/tcp/4001/p2p/${identity.peerId}

Remember to replace 127.0.0.1 with the public IP address of the node.
`
}

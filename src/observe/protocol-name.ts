/** How metrics name a protocol: `tls` for `/tls/1.0.0`; `none` for no protocol. */
export function protocolName(protocol: string | undefined): string {
  return protocol?.split('/')[1] ?? 'none'
}

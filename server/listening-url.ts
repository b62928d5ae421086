import type { AddressInfo, Server } from 'node:net'
import { Server as TlsServer } from 'node:tls'

/** The address that a listening server can be reached at. */
export function listeningUrl(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `${server instanceof TlsServer ? 'https' : 'http'}://${bracketed(address)}:${String(port)}`
}

/** A host as URLs write it. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Whether two addresses name one server: a slash at the end and the spelling of the host make no difference. */
export function isSameServer(one: string, other: string): boolean {
  const plain = (url: string): string => new URL(url).href.replace(/\/$/, '')
  return plain(one) === plain(other)
}

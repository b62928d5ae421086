/**
 * Runs in the machine: a HID device that the kernel takes for a real one (Linux Documentation/hid/uhid.rst, structures
 * of linux/uhid.h). Ends, and so unplugs it, with its standard input, of which each line is a command:
 *
 *   create <JSON of UhidModel>
 *   input <hex>             sends a report
 *   answer <code> <hex>     from now on a feature report that asks for <code> is answered so
 */
import { openSync, read, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

export interface UhidModel {
  vendorId: number
  productId: number
  name: string
  /** Where it is plugged in, for example `usb-0000:00:14.0-2/input0`. */
  port: string
  serial: string
  /** Report descriptor, in hex. */
  descriptor: string
}

const usbBus = 3
const types = {
  start: 2,
  getReport: 9,
  getReportReply: 10,
  create: 11,
  input: 12,
  setReport: 13,
  setReportReply: 14,
}
const maxDataBytes = 4096
const maxEventBytes = 4 + 128 + 64 + 64 + 20 + maxDataBytes

const device = openSync('/dev/uhid', 'r+')
const answers = new Map<number, Buffer>()
/** Code of the feature report that came last. */
let asked = 0

function send(type: number, fill: (body: Buffer) => void): void {
  const event = Buffer.alloc(maxEventBytes)
  event.writeUInt32LE(type)
  fill(event.subarray(4))
  writeSync(device, event)
}

function create({ vendorId, productId, name, port, serial, descriptor }: UhidModel): void {
  send(types.create, (body) => {
    body.write(name, 0)
    body.write(port, 128)
    body.write(serial, 192)
    const bytes = Buffer.from(descriptor.replaceAll(' ', ''), 'hex')
    body.writeUInt16LE(bytes.length, 256)
    body.writeUInt16LE(usbBus, 258)
    body.writeUInt32LE(vendorId, 260)
    body.writeUInt32LE(productId, 264)
    bytes.copy(body, 276)
  })
}

function take(event: Buffer): void {
  const id = event.readUInt32LE(4)
  switch (event.readUInt32LE()) {
    case types.start:
      console.log('started')
      return
    case types.setReport:
      // Behind id, number, type and size; the report begins with its number, 0.
      asked = event.readUInt8(12 + 1)
      send(types.setReportReply, (body) => body.writeUInt32LE(id))
      return
    case types.getReport: {
      const report = Buffer.concat([Uint8Array.of(0), answers.get(asked) ?? Buffer.alloc(8)])
      send(types.getReportReply, (body) => {
        body.writeUInt32LE(id)
        body.writeUInt16LE(report.length, 6)
        report.copy(body, 8)
      })
    }
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [command, ...words] = line.split(' ')
    const bytes = Buffer.from(words.at(-1) ?? '', 'hex')
    if (command === 'create') create(JSON.parse(words.join(' ')) as UhidModel)
    else if (command === 'answer') answers.set(parseInt(words[0] ?? '', 16), bytes)
    else {
      send(types.input, (body) => {
        body.writeUInt16LE(bytes.length)
        bytes.copy(body, 2)
      })
    }
  })
  // An exit would wait for the read under way.
  .on('close', () => process.kill(process.pid, 'SIGKILL'))

const buffer = Buffer.alloc(maxEventBytes)
while (true) {
  await promisify(read)(device, buffer, 0, buffer.length, null)
  take(buffer)
}

import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { readSettings } from '../config.ts'
import type { Core } from '../core.ts'
import { isMailAddress } from '../mail/address.ts'
import { createMailDesk, type MailDesk, type MailEntry } from '../mail/desk.ts'
import { createMailTransport, sendTimeoutMs } from '../mail/transport.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { addServerOptions } from './serve.ts'
import { table } from './table.ts'

const states = ['pending', 'sent', 'dead'] as const
const listedByDefault = 100
const maxReasonLength = 200

/** `vlt-server mail …` */
export function addMail(program: Command, surroundings: Surroundings): void {
  const { env, print } = surroundings
  const mail = program.command('mail').description('look after the mails on their way out')
  const onDesk = (
    command: Command,
    work: (desk: MailDesk, flags: Record<string, unknown>, operands: string[]) => Promise<void>,
  ): void => {
    onCore(command, surroundings, (core: Core, flags, operands) =>
      work(createMailDesk(core, systemClock), flags, operands),
    )
  }

  onDesk(
    mail
      .command('list')
      .description('list mails, newest first, without address and content')
      .option('--state <state>', `only those that are ${states.join(', ')}`)
      .option('--limit <n>', `at most so many, 1 or more (default ${String(listedByDefault)})`)
      .option('--json', 'print JSON'),
    async (desk, { state, limit, json }) => {
      const entries = await desk.list(readState(state), readLimit(limit))
      if (json === true) print(JSON.stringify(entries, null, 2))
      else for (const line of shown(entries)) print(line)
    },
  )
  onDesk(
    mail
      .command('show <id>')
      .description('show one mail as JSON')
      .option('--reveal', 'with address and content, while they are there; goes into the audit trail')
      .option('--json', 'print JSON (what it prints anyway)'),
    async (desk, { reveal }, [id]) => {
      const found = reveal === true ? await desk.reveal(idOf(id)) : await desk.show(idOf(id))
      print(JSON.stringify(found, null, 2))
    },
  )
  onDesk(
    mail
      .command('retry [id]')
      .description('send a dead letter again, for another 3 days; goes into the audit trail')
      .option('--dead', 'all dead letters')
      .option('--json', 'print JSON'),
    async (desk, { dead, json }, [id]) => {
      if ((id === undefined) === (dead !== true)) throw new AppError('usage', 'give an id, or --dead')
      const retried = await desk.retry(id === undefined ? 'all' : idOf(id))
      print(json === true ? JSON.stringify({ retried }) : `${String(retried)} to be sent again`)
    },
  )
  onDesk(
    mail
      .command('discard <id>')
      .description('remove a mail that has not left')
      .requiredOption('--reason <text>', 'why, without anything personal: it goes into the audit trail')
      .option('--json', 'print JSON'),
    async (desk, { reason, json }, [id]) => {
      const discarded = idOf(id)
      await desk.discard(discarded, readReason(reason))
      print(json === true ? JSON.stringify({ discarded }) : `mail ${String(discarded)} discarded`)
    },
  )
  addServerOptions(
    mail
      .command('test <address>')
      .description(
        'send a mail there at once, as a server with these settings would, and say what became of it',
      )
      .option('--json', 'print JSON'),
  ).action(async (address: string, { json, ...flags }: Record<string, unknown>) => {
    if (!isMailAddress(address)) throw new AppError('usage', 'give one address, such as ana@example.com')
    const transport = createMailTransport(readSettings(flags, env))
    const { destination } = transport
    try {
      const queuedAt = systemClock.now()
      const sent = { to: address, ...testMail, messageId: randomUUID(), queuedAt }
      const signal = AbortSignal.timeout(sendTimeoutMs)
      const fault = (await transport.check(signal)) ?? (await transport.send(sent, signal))
      if (fault !== undefined) {
        throw new AppError(fault.code, ['not sent by', destination, fault.reply].filter(Boolean).join(' '))
      }
      print(json === true ? JSON.stringify({ sentTo: destination }) : `sent to ${destination}`)
    } finally {
      transport.close()
    }
  })
}

const testMail = {
  subject: 'Prueba de correo',
  text: 'Este correo prueba que el servidor puede enviar correos. No tiene que hacer nada.',
  html: '<p>Este correo prueba que el servidor puede enviar correos. No tiene que hacer nada.</p>',
}

function idOf(operand: string | undefined): number {
  return readRowId(operand, 'vlt-server mail list')
}

function readState(text: unknown): (typeof states)[number] | undefined {
  const state = states.find((known) => known === text)
  if (text !== undefined && state === undefined) {
    throw new AppError('usage', `--state must be ${states.join(', ')}`)
  }
  return state
}

function readLimit(text: unknown): number {
  if (text === undefined) return listedByDefault
  if (typeof text !== 'string' || !/^[1-9]\d{0,8}$/.test(text)) {
    throw new AppError('usage', '--limit must be a whole number from 1')
  }
  return Number(text)
}

function readReason(text: unknown): string {
  const reason = typeof text === 'string' ? text.trim() : ''
  if (reason === '' || reason.length > maxReasonLength || /[\p{Cc}\p{Cs}]/u.test(reason)) {
    throw new AppError('usage', `--reason must be a line of 1 to ${String(maxReasonLength)} characters`)
  }
  return reason
}

function shown(entries: MailEntry[]): string[] {
  const titles = ['ID', 'STATE', 'ATTEMPTS', 'QUEUED', 'NEXT OR SETTLED', 'LAST ERROR']
  const rows = entries.map(({ id, state, attempts, queuedAt, dueAt, settledAt, lastError, lastReply }) => [
    ...[id, state, attempts, queuedAt, dueAt ?? settledAt ?? ''],
    [lastError, lastReply].filter(Boolean).join(' '),
  ])
  return table(titles, rows)
}

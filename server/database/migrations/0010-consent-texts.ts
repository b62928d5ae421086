import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Which text a person saw who consented, or did not. */
export function consentTexts(): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('consents').addColumn('consent_text', 'text').execute()
    },
  }
}

import type { RegistrationField as UserField } from '../../../shared/contracts/user-accounts.ts'
import type { RegistrationField as ClientField } from '../../../shared/contracts/vlt-clients.ts'
import type { CustomerProfile } from '../../../shared/contracts/customer-accounts.ts'
import type { Language } from '../../config.ts'

type Field =
  Exclude<ClientField, 'tarjeta'> | UserField | keyof CustomerProfile | 'Dni' | 'TipoDni' | 'Nombres'

/** What a clerk is asked, field by field; the names of fields are those of the four documents. */
export const labels: Record<Language, Record<Field, string>> = {
  es: {
    codigoClienteVLT: 'Código de cliente VLT',
    correo: 'Correo electrónico',
    enviarWhatsApp: '¿Acepta mensajes por WhatsApp?',
    enviarCorreo: '¿Acepta mensajes por correo?',
    enviarSms: '¿Acepta mensajes por SMS?',
    tipoDocumento: 'Tipo de documento (1 = DNI, 4 = carné de extranjería, 7 = pasaporte)',
    dni: 'Número de documento',
    nombre: 'Nombres',
    apellidoPaterno: 'Apellido paterno',
    apellidoMaterno: 'Apellido materno',
    fechaNacimiento: 'Fecha de nacimiento (AAAA-MM-DD)',
    direccion: 'Dirección',
    telefono: 'Teléfono',
    ubigeo: 'Ubigeo',
    sexo: 'Sexo (número)',

    Nombres: 'Nombres completos',
    TipoDni:
      'Tipo de documento (1 cédula de ciudadanía, 2 tarjeta de identidad, 3 registro civil,\n' +
      '  4 cédula de extranjería, 5 doc. definido por la DIAN, 6 NIT, 7 P.E.P., 8 pasaporte, 9 visa)',
    Dni: 'Número de documento',

    usuarioLogin: 'Nombre de usuario',
    usuarioCorreo: 'Correo electrónico',
    usuarioPassword: 'Contraseña (6 caracteres o más; no se muestra)',
    usuarioNombre: 'Nombres',
    usuarioApellido: 'Apellidos',
    departamentoId: 'Departamento (su número en el catálogo)',
    usuarioFechaNacimiento: 'Fecha de nacimiento (AAAA-MM-DD)',
    usuarioCelular: 'Celular',
    usuarioDpi: 'DPI',
    usuarioTipoDocumento: 'Tipo de documento (número)',
    usuarioNit: 'NIT',
    usuarioRolId: 'Rol (número)',
    poseeLicencia: '¿Tiene licencia?',
    licenciaTipo: 'Tipo de licencia (número)',
    licenciaNumero: 'Número de licencia',
    licenciaPrimerAnio: 'Año de la primera licencia',
    licenciaFechaVencimiento: 'Vencimiento de la licencia (AAAA-MM-DD)',

    numero_documento: 'Número de documento',
    nombres: 'Nombres completos',
    fecha_nacimiento: 'Fecha de nacimiento (AAAA-MM-DD)',
    email: 'Correo electrónico',
    password: 'Contraseña (8 caracteres o más; no se muestra)',
    id_lista_precio: 'Lista de precios (número)',
    id_distrito: 'Distrito (ubigeo, sin cero inicial)',
    celular: 'Celular',
    tipo_cliente: 'Tipo de cliente (Natural o Jurídica)',
    tipo_pago: 'Tipo de pago (Contado o Crédito)',
    incluye_igv: '¿Los precios incluyen IGV?',
    extra_domicilio_a_domicilio: 'Recargo de domicilio a domicilio (número)',
    extra_domicilio_a_agencia: 'Recargo de domicilio a agencia (número)',
    extra_agencia_a_domicilio: 'Recargo de agencia a domicilio (número)',
    id_tipo_detraccion: 'Tipo de detracción (número)',
    direcciones: 'Direcciones',
  },
  en: {
    codigoClienteVLT: 'VLT client code',
    correo: 'Email address',
    enviarWhatsApp: 'Accepts WhatsApp messages?',
    enviarCorreo: 'Accepts email messages?',
    enviarSms: 'Accepts SMS messages?',
    tipoDocumento: 'Document type (1 = DNI, 4 = foreigner card, 7 = passport)',
    dni: 'Document number',
    nombre: 'First name(s)',
    apellidoPaterno: 'Father’s last name',
    apellidoMaterno: 'Mother’s last name',
    fechaNacimiento: 'Birth date (YYYY-MM-DD)',
    direccion: 'Address',
    telefono: 'Phone',
    ubigeo: 'Ubigeo',
    sexo: 'Sex (number)',

    Nombres: 'Full name',
    TipoDni:
      'Document type (1 citizen card, 2 identity card, 3 civil registry, 4 foreigner card, 5 set by DIAN,\n' +
      '  6 NIT, 7 P.E.P., 8 passport, 9 visa)',
    Dni: 'Document number',

    usuarioLogin: 'User name',
    usuarioCorreo: 'Email address',
    usuarioPassword: 'Password (6 characters or more; not shown)',
    usuarioNombre: 'First name(s)',
    usuarioApellido: 'Last name(s)',
    departamentoId: 'Department (its number in the catalogue)',
    usuarioFechaNacimiento: 'Birth date (YYYY-MM-DD)',
    usuarioCelular: 'Mobile phone',
    usuarioDpi: 'DPI',
    usuarioTipoDocumento: 'Document type (number)',
    usuarioNit: 'NIT',
    usuarioRolId: 'Role (number)',
    poseeLicencia: 'Has a licence?',
    licenciaTipo: 'Licence type (number)',
    licenciaNumero: 'Licence number',
    licenciaPrimerAnio: 'Year of the first licence',
    licenciaFechaVencimiento: 'Licence expires (YYYY-MM-DD)',

    numero_documento: 'Document number',
    nombres: 'Full name',
    fecha_nacimiento: 'Birth date (YYYY-MM-DD)',
    email: 'Email address',
    password: 'Password (8 characters or more; not shown)',
    id_lista_precio: 'Price list (number)',
    id_distrito: 'District (ubigeo, without a leading zero)',
    celular: 'Mobile phone',
    tipo_cliente: 'Customer type (Natural or Jurídica)',
    tipo_pago: 'Payment (Contado or Crédito)',
    incluye_igv: 'Do prices include IGV (tax)?',
    extra_domicilio_a_domicilio: 'Extra charge door to door (number)',
    extra_domicilio_a_agencia: 'Extra charge door to agency (number)',
    extra_agencia_a_domicilio: 'Extra charge agency to door (number)',
    id_tipo_detraccion: 'Withholding type (number)',
    direcciones: 'Addresses',
  },
}

/** The label of a field, or its name where a newer contract has more fields. */
export function labelOf(field: string, language: Language): string {
  const known: Record<string, string> = labels[language]
  return known[field] ?? field
}

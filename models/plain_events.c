/* Reads events in their plain form, which is that of nearly all.

   An event is plain if its JSON has no other names than those of its form, each of them once at
   most, no escapes in its texts, and every value within its limits. One pass over it makes the
   values and nothing else: no name becomes an object, nor a text that was seen lately.

   What is not plain is not judged here: the answer is None, and models.validation decodes it with
   msgspec. So nothing may be taken here that msgspec would refuse, or as another value. What is
   missed costs time only.

   Every text lies in a bytes object, which has a NUL behind its end: no pass over it reads on
   there, since a NUL is neither a sign of a text nor of a number. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAX_FIELDS 16
#define MAX_WHOLE_DIGITS 18
#define MAX_EXACT ((uint64_t)1 << 53)
#define RECENT_TEXTS 1024
#define RECENT_BYTES 24

/* What a field may hold. Python names them by the letters. */
enum sort {
    TAG = 'e',        /* the name of the event */
    DATA = 'd',       /* an object of the event's own form */
    TEXT = 't',
    IDENTIFIER = 'i', /* a text that hardly any other event has */
    CONTENT_ID = 'c',
    CHOICE = 'o',     /* one of a few texts */
    MOMENT = 'm',     /* a text such as 2026-01-02T03:04:05.678Z; its value is in milliseconds */
    WHOLE = 'w',
    NUMBER = 'n',
    FLAG = 'f',
};

typedef struct {
    PyObject *name; /* bytes */
    int sort;
    double least, most; /* of numbers; of IDENTIFIER and CONTENT_ID, how many characters */
    PyObject *choices;  /* a tuple of ASCII texts */
    int next;           /* the field that came after it last */
} Field;

/* The fields that an object may have, and as bits those that it must have. */
typedef struct {
    Field fields[MAX_FIELDS];
    int count;
    uint32_t needed;
} Form;

/* A kind of event. */
typedef struct {
    PyObject *tag; /* bytes */
    PyObject *number;
    PyObject *data_type;
    uint32_t needed;
    Form data;
} Kind;

typedef struct {
    PyObject_HEAD
    Form envelope;
    int data; /* its field for the data */
    Kind *kinds;
    Py_ssize_t kind_count;
    PyObject *recent[RECENT_TEXTS]; /* texts that came lately, each where its bytes lead to */
} Reader;

/* Where the reading is, and what was found on the way. */
typedef struct {
    const char *at, *end;
    const char *data; /* where the object of DATA begins; NULL: nowhere */
    Kind *kind;
} Place;

/* ---- texts ---- */

static const char *skip_space(const char *at)
{
    while (*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* How many of the eight signs come before the first that is a quote, a backslash, a control
   character or not ASCII; 8: all of them. The highest bit of a byte is borrowed where the byte is
   less than what is taken from it; what is borrowed from later signs for that does not matter. */
static int plain_signs(uint64_t signs)
{
    uint64_t each = UINT64_MAX / 255, highest = each * 0x80;
    uint64_t no_quotes = signs ^ each * '"', no_escapes = signs ^ each * '\\';
    uint64_t special =
        ((signs - each * 0x20) | (no_quotes - each) | (no_escapes - each) | signs) & highest;
    if (special == 0)
        return 8;
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(special) / 8;
#else
    return 0;
#endif
}

/* Up to the quote that ends the text at `at`, and whether all of it is ASCII; NULL: it has an
   escape or a control character, or it does not end. */
static const char *text_end(const char *at, const char *end, bool *ascii)
{
    unsigned char all = 0;
    uint64_t signs;
    for (int plain = 8; plain == 8 && end - at >= 8; at += plain) {
        memcpy(&signs, at, sizeof signs);
        plain = plain_signs(signs);
    }
    for (;; at++) {
        unsigned char sign = (unsigned char)*at;
        if (sign == '"')
            break;
        if (sign == '\\' || sign < 0x20)
            return NULL;
        all |= sign;
    }
    *ascii = all < 0x80;
    return at;
}

static PyObject *new_text(const char *start, Py_ssize_t bytes, bool ascii)
{
    if (!ascii)
        return PyUnicode_DecodeUTF8(start, bytes, NULL);
    PyObject *text = PyUnicode_New(bytes, 127);
    if (text != NULL && bytes > 0)
        memcpy(PyUnicode_1BYTE_DATA(text), start, (size_t)bytes);
    return text;
}

/* A text that many events have: if it came lately, the same object. */
static PyObject *recent_text(Reader *self, const char *start, Py_ssize_t bytes)
{
    uint32_t hash = (uint32_t)bytes;
    for (Py_ssize_t place = 0; place < bytes; place++)
        hash = hash * 31 + (unsigned char)start[place];
    PyObject **slot = &self->recent[(hash ^ (hash >> 10)) % RECENT_TEXTS];
    if (*slot != NULL && PyUnicode_GET_LENGTH(*slot) == bytes &&
        memcmp(PyUnicode_1BYTE_DATA(*slot), start, (size_t)bytes) == 0)
        return Py_NewRef(*slot);
    PyObject *text = new_text(start, bytes, true);
    if (text != NULL)
        Py_XSETREF(*slot, Py_NewRef(text));
    return text;
}

static PyObject *choice(const Field *field, const char *start, Py_ssize_t bytes)
{
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(field->choices); number++) {
        PyObject *text = PyTuple_GET_ITEM(field->choices, number);
        if (PyUnicode_GET_LENGTH(text) == bytes &&
            memcmp(PyUnicode_1BYTE_DATA(text), start, (size_t)bytes) == 0)
            return Py_NewRef(text);
    }
    return NULL;
}

static bool is_content_id(const char *start, Py_ssize_t bytes)
{
    for (Py_ssize_t place = 0; place < bytes; place++) {
        char sign = start[place];
        if (!((sign >= 'a' && sign <= 'z') || (sign >= '0' && sign <= ':') ||
              (sign >= 'A' && sign <= 'Z') || sign == '-' || sign == '.' || sign == '_'))
            return false;
    }
    return true;
}

/* ---- moments ---- */

/* The number that `count` digits make; -1: they are not all digits. */
static int digits(const char *at, int count)
{
    int number = 0;
    while (count-- > 0) {
        char sign = *at++;
        if (sign < '0' || sign > '9')
            return -1;
        number = number * 10 + (sign - '0');
    }
    return number;
}

/* The days from 1970 to a date of the Gregorian calendar. Counted from March on, the length of a
   year's days before a month is linear: 153 days for every five months. */
static int64_t days_of(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    int64_t years = month > 2 ? year : year - 1;
    int64_t before = years * 365 + years / 4 - years / 100 + years / 400;
    return before + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static PyObject *moment(const char *at, Py_ssize_t bytes)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (bytes != 24 || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' ||
        at[16] != ':' || at[19] != '.' || at[23] != 'Z')
        return NULL;
    int year = digits(at, 4), month = digits(at + 5, 2), day = digits(at + 8, 2);
    int hour = digits(at + 11, 2), minute = digits(at + 14, 2), second = digits(at + 17, 2);
    int ms = digits(at + 20, 3);
    if (year < 1 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59 || ms < 0)
        return NULL;
    bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > month_days[month - 1] + (month == 2 && leaps))
        return NULL;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return PyLong_FromLongLong(seconds * 1000 + ms);
}

/* ---- values ---- */

static PyObject *read_text(Reader *self, const Field *field, Place *place)
{
    if (*place->at != '"')
        return NULL;
    const char *start = place->at + 1;
    bool ascii;
    const char *end = text_end(start, place->end, &ascii);
    if (end == NULL)
        return NULL;
    place->at = end + 1;
    Py_ssize_t bytes = end - start;
    switch (field->sort) {
    case MOMENT:
        return moment(start, bytes);
    case CHOICE:
        return choice(field, start, bytes);
    case CONTENT_ID:
        if (!is_content_id(start, bytes))
            return NULL;
        break;
    case TEXT:
        return ascii && bytes <= RECENT_BYTES ? recent_text(self, start, bytes)
                                              : new_text(start, bytes, ascii);
    }
    PyObject *text = new_text(start, bytes, ascii);
    if (text == NULL)
        return NULL;
    Py_ssize_t characters = PyUnicode_GET_LENGTH(text);
    if ((double)characters < field->least || (double)characters > field->most)
        Py_CLEAR(text);
    return text;
}

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

/* A number of digits and maybe a point: no sign and no exponent. */
static PyObject *read_number(const Field *field, Place *place)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *start = place->at;
    const char *point = skip_digits(start);
    const char *end = point;
    if (point == start || (*start == '0' && point > start + 1))
        return NULL;
    if (*point == '.') {
        end = skip_digits(point + 1);
        if (end == point + 1)
            return NULL;
    }
    place->at = end;
    uint64_t whole = 0; /* without the point */
    Py_ssize_t count = end - start - (end > point);
    if (count <= MAX_WHOLE_DIGITS) {
        for (const char *at = start; at < end; at++)
            if (at != point)
                whole = whole * 10 + (uint64_t)(*at - '0');
    }
    if (field->sort == WHOLE) {
        if (end > point || count > MAX_WHOLE_DIGITS || (double)whole < field->least ||
            (double)whole > field->most)
            return NULL;
        return PyLong_FromUnsignedLongLong(whole);
    }
    double value;
    Py_ssize_t decimals = end > point ? end - point - 1 : 0;
    if (count <= MAX_WHOLE_DIGITS && whole <= MAX_EXACT && decimals <= 15) {
        /* Both are exact, so their quotient is rounded once, as the number itself would be. */
        value = (double)whole / powers[decimals];
    } else {
        char *read_to;
        value = PyOS_string_to_double(start, &read_to, NULL);
        if (read_to != end)
            return NULL;
    }
    if (value < field->least || value > field->most)
        return NULL;
    return PyFloat_FromDouble(value);
}

static bool passes(Place *place, const char *word, Py_ssize_t bytes)
{
    if (place->end - place->at < bytes || memcmp(place->at, word, (size_t)bytes) != 0)
        return false;
    place->at += bytes;
    return true;
}

static PyObject *read_flag(Place *place)
{
    if (passes(place, "true", 4))
        return Py_NewRef(Py_True);
    if (passes(place, "false", 5))
        return Py_NewRef(Py_False);
    return NULL;
}

static Kind *kind_of(Reader *self, Place *place)
{
    for (Py_ssize_t number = 0; *place->at == '"' && number < self->kind_count; number++) {
        Kind *kind = &self->kinds[number];
        Py_ssize_t bytes = PyBytes_GET_SIZE(kind->tag);
        if (place->end - place->at > bytes + 1 && place->at[bytes + 1] == '"' &&
            memcmp(place->at + 1, PyBytes_AS_STRING(kind->tag), (size_t)bytes) == 0) {
            place->at += bytes + 2;
            return kind;
        }
    }
    return NULL;
}

/* To the end of an object that has no objects in it. */
static bool skip_object(Place *place)
{
    const char *at = place->at;
    bool ascii;
    if (*at != '{')
        return false;
    for (at++; *at != '}'; at++) {
        if (*at == '"')
            at = text_end(at + 1, place->end, &ascii);
        if (at == NULL || *at == '\0' || *at == '{')
            return false;
    }
    place->at = at + 1;
    return true;
}

/* ---- objects ---- */

/* The field whose name stands at the place; -1: none of this form. Clients write names in one
   order, so the one that came after `last` before is tried first. */
static int field_of(Form *form, Place *place, int last)
{
    if (*place->at != '"')
        return -1;
    int tried = last < 0 ? 0 : form->fields[last].next;
    for (int number = 0; number < form->count; number++) {
        PyObject *name = form->fields[tried].name;
        Py_ssize_t bytes = PyBytes_GET_SIZE(name);
        if (place->end - place->at > bytes + 1 && place->at[bytes + 1] == '"' &&
            memcmp(place->at + 1, PyBytes_AS_STRING(name), (size_t)bytes) == 0) {
            if (last >= 0)
                form->fields[last].next = tried;
            place->at += bytes + 2;
            return tried;
        }
        if (++tried == form->count)
            tried = 0;
    }
    return -1;
}

static bool read_object(Reader *self, Form *form, Place *place, PyObject **values, uint32_t *found);

static PyObject *read_data(Reader *self, Kind *kind, Place *place)
{
    Form *form = &kind->data;
    PyObject *values[MAX_FIELDS] = {NULL};
    PyObject *data = NULL;
    uint32_t found;
    if (read_object(self, form, place, values, &found) && (form->needed & ~found) == 0) {
        for (int number = 0; number < form->count; number++)
            if (values[number] == NULL)
                values[number] = Py_NewRef(Py_None);
        data = PyObject_Vectorcall(kind->data_type, values, (size_t)form->count, NULL);
    }
    for (int number = 0; number < form->count; number++)
        Py_XDECREF(values[number]);
    return data;
}

/* The value of a field; NULL: it is not plain. */
static PyObject *read_value(Reader *self, const Field *field, Place *place)
{
    switch (field->sort) {
    case TAG:
        place->kind = kind_of(self, place);
        return place->kind == NULL ? NULL : Py_NewRef(place->kind->number);
    case DATA:
        if (place->kind != NULL)
            return read_data(self, place->kind, place);
        /* What it may hold is not known yet. */
        place->data = place->at;
        return skip_object(place) ? Py_NewRef(Py_None) : NULL;
    case WHOLE:
    case NUMBER:
        return read_number(field, place);
    case FLAG:
        return read_flag(place);
    default:
        return read_text(self, field, place);
    }
}

/* Reads an object: `values` gets a reference for every name that it has, and `found` a bit for
   those that are not null. False: it is not plain; there may be values all the same. */
static bool read_object(Reader *self, Form *form, Place *place, PyObject **values, uint32_t *found)
{
    int number = -1;
    *found = 0;
    if (*place->at != '{')
        return false;
    place->at = skip_space(place->at + 1);
    if (*place->at == '}') {
        place->at++;
        return true;
    }
    for (;;) {
        number = field_of(form, place, number);
        if (number < 0 || values[number] != NULL)
            return false;
        place->at = skip_space(place->at);
        if (*place->at != ':')
            return false;
        place->at = skip_space(place->at + 1);
        if (passes(place, "null", 4)) {
            values[number] = Py_NewRef(Py_None);
        } else {
            values[number] = read_value(self, &form->fields[number], place);
            if (values[number] == NULL)
                return false;
            *found |= (uint32_t)1 << number;
        }
        place->at = skip_space(place->at);
        char sign = *place->at++; /* if it is the NUL, nothing more is read */
        if (sign == '}')
            return true;
        if (sign != ',')
            return false;
        place->at = skip_space(place->at);
    }
}

/* Whether the event is plain; `values` gets those of the envelope, NULL where there is none. */
static bool read_event(Reader *self, const char *start, Py_ssize_t bytes, PyObject **values)
{
    Place place = {start, start + bytes, NULL, NULL};
    uint32_t found;
    if (!read_object(self, &self->envelope, &place, values, &found) || place.at != place.end ||
        place.kind == NULL || (place.kind->needed & ~found) != 0)
        return false;
    if (place.data != NULL) {
        place.at = place.data;
        PyObject *data = read_data(self, place.kind, &place);
        if (data == NULL)
            return false;
        Py_SETREF(values[self->data], data);
    }
    return true;
}

static PyObject *reader_read(PyObject *object, PyObject *raw)
{
    Reader *self = (Reader *)object;
    if (!PyBytes_Check(raw)) {
        PyErr_Format(PyExc_TypeError, "an event is bytes, not %.80s", Py_TYPE(raw)->tp_name);
        return NULL;
    }
    PyObject *values = PyTuple_New(self->envelope.count);
    if (values == NULL)
        return NULL;
    PyObject **items = &PyTuple_GET_ITEM(values, 0);
    if (!read_event(self, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), items)) {
        Py_DECREF(values);
        if (PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
                return NULL;
            PyErr_Clear();
        }
        Py_RETURN_NONE;
    }
    for (int number = 0; number < self->envelope.count; number++)
        if (items[number] == NULL)
            items[number] = Py_NewRef(Py_None);
    return values;
}

/* ---- what is read, as Python says it ---- */

static bool are_ascii(PyObject *texts)
{
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(texts); number++) {
        PyObject *text = PyTuple_GET_ITEM(texts, number);
        if (!PyUnicode_Check(text) || !PyUnicode_IS_COMPACT_ASCII(text))
            return false;
    }
    return true;
}

/* Takes over a tuple of fields; false with an exception. */
static bool set_form(Form *form, PyObject *fields, bool form_is_of_data)
{
    if (PyTuple_GET_SIZE(fields) > MAX_FIELDS) {
        PyErr_Format(PyExc_ValueError, "an object has at most %d fields", MAX_FIELDS);
        return false;
    }
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(fields); number++) {
        Field *field = &form->fields[number];
        PyObject *name, *choices;
        int is_needed;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(fields, number), "SCddO!p", &name, &field->sort,
                              &field->least, &field->most, &PyTuple_Type, &choices, &is_needed))
            return false;
        if (!are_ascii(choices)) {
            PyErr_SetString(PyExc_ValueError, "choices are ASCII texts");
            return false;
        }
        if (form_is_of_data && (field->sort == TAG || field->sort == DATA)) {
            PyErr_SetString(PyExc_ValueError, "data has neither data nor a tag in it");
            return false;
        }
        field->name = Py_NewRef(name);
        field->choices = Py_NewRef(choices);
        field->next = (int)((number + 1) % PyTuple_GET_SIZE(fields));
        form->needed |= (uint32_t)(is_needed != 0) << number;
        form->count++;
    }
    return true;
}

static void clear_form(Form *form)
{
    for (int number = 0; number < form->count; number++) {
        Py_CLEAR(form->fields[number].name);
        Py_CLEAR(form->fields[number].choices);
    }
}

static bool set_kind(Kind *kind, const Form *envelope, PyObject *said)
{
    PyObject *tag, *number, *needed, *data_type, *fields;
    if (!PyArg_ParseTuple(said, "SO!O!OO!", &tag, &PyLong_Type, &number, &PyTuple_Type, &needed,
                          &data_type, &PyTuple_Type, &fields))
        return false;
    kind->tag = Py_NewRef(tag);
    kind->number = Py_NewRef(number);
    kind->data_type = Py_NewRef(data_type);
    kind->needed = envelope->needed;
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(needed); place++) {
        long field = PyLong_AsLong(PyTuple_GET_ITEM(needed, place));
        if (field < 0 || field >= envelope->count) {
            PyErr_SetString(PyExc_ValueError, "no such field of the envelope");
            return false;
        }
        kind->needed |= (uint32_t)1 << field;
    }
    return set_form(&kind->data, fields, true);
}

static void reader_dealloc(PyObject *object)
{
    Reader *self = (Reader *)object;
    PyTypeObject *type = Py_TYPE(object);
    clear_form(&self->envelope);
    for (Py_ssize_t number = 0; number < self->kind_count; number++) {
        Kind *kind = &self->kinds[number];
        Py_XDECREF(kind->tag);
        Py_XDECREF(kind->number);
        Py_XDECREF(kind->data_type);
        clear_form(&kind->data);
    }
    PyMem_Free(self->kinds);
    for (int slot = 0; slot < RECENT_TEXTS; slot++)
        Py_XDECREF(self->recent[slot]);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Fills a new reader, which is all zeros; false with an exception. */
static bool set_reader(Reader *self, PyObject *fields, PyObject *kinds)
{
    if (!set_form(&self->envelope, fields, false))
        return false;
    int data_fields = 0;
    for (int number = 0; number < self->envelope.count; number++) {
        if (self->envelope.fields[number].sort == DATA) {
            self->data = number;
            data_fields++;
        }
    }
    if (data_fields != 1) {
        PyErr_SetString(PyExc_ValueError, "an envelope has one field for the data");
        return false;
    }
    self->kinds = PyMem_Calloc((size_t)PyTuple_GET_SIZE(kinds) + 1, sizeof(Kind));
    if (self->kinds == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(kinds); number++) {
        self->kind_count++;
        if (!set_kind(&self->kinds[number], &self->envelope, PyTuple_GET_ITEM(kinds, number)))
            return false;
    }
    return true;
}

static PyObject *reader_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *fields, *kinds;
    (void)names;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyTuple_Type, &fields, &PyTuple_Type, &kinds))
        return NULL;
    PyObject *object = type->tp_alloc(type, 0);
    if (object != NULL && !set_reader((Reader *)object, fields, kinds))
        Py_CLEAR(object);
    return object;
}

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_O,
     "The values of an event's envelope, its data and its kind; None: it is not plain."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "Reads plain events of the forms that it is made with."},
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

static PyType_Spec reader_spec = {
    .name = "models.plain_events.PlainReader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = reader_slots,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "plain_events", "Reads events in their plain form.", -1, NULL,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_plain_events(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *type = PyType_FromSpec(&reader_spec);
    if (module == NULL || type == NULL || PyModule_AddObjectRef(module, "PlainReader", type) < 0)
        Py_CLEAR(module);
    Py_XDECREF(type);
    return module;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints bodies written by Kafka's own classes, with what is in them: see scripts/gen-body-vectors.
 * Fields are filled at random, a schema says only which fields a version has and in which order.
 */
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.MetadataRecordType;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

public class BodyVectors {
    static final int VARIANTS = 4;
    static final String[] STRINGS = {"a", "topic", "events.v1", "\u017elu\u0165", "\u30c8\u30d4\u30c3\u30af", "\ud83d\ude00", "_-."};
    static final Map<String, Boolean> NULLABLE = new HashMap<>();
    static Random random;

    public static void main(String[] args) throws Exception {
        long seed = Long.parseLong(args[0]);
        for (ApiMessageType api : ApiMessageType.values()) {
            if (api.highestSupportedVersion(true) < 0)
                continue; /* gone in this release */
            vectors(seed, api.apiKey() + " request", api.newRequest().getClass());
            vectors(seed, api.apiKey() + " response", api.newResponse().getClass());
        }
        for (MetadataRecordType type : MetadataRecordType.values())
            vectors(seed, type.id() + " record", type.newMetadataRecord().getClass());
    }

    static void vectors(long seed, String what, Class<?> type) throws Exception {
        Message any = (Message) make(type);
        for (short v = any.lowestSupportedVersion(); v <= any.highestSupportedVersion(); v++) {
            for (int variant = 0; variant < VARIANTS; variant++) {
                random = new Random(Objects.hash(seed, what, v, variant));
                Message message = (Message) make(type);
                StringBuilder events = new StringBuilder();
                fill(message, v, true);
                events(events, message, v);
                System.out.println(what + " " + v + "\t" + hex(write(message, v)) + "\t" + events);
            }
        }
    }

    static Object make(Class<?> type) throws Exception {
        var constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }

    static byte[] write(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    static Schema schema(Object message, short version) throws Exception {
        return ((Schema[]) message.getClass().getField("SCHEMAS").get(null))[version];
    }

    /* In the order of their numbers; the member is private in some releases. */
    @SuppressWarnings("unchecked")
    static Collection<org.apache.kafka.common.protocol.types.Field> tags(Type type) throws Exception {
        Field fields = TaggedFields.class.getDeclaredField("fields");
        fields.setAccessible(true);
        return new TreeMap<>((Map<Integer, org.apache.kafka.common.protocol.types.Field>) fields.get(type)).values();
    }

    /* The Java field behind a schema's field: equal but for case and underscores. */
    static Field member(Object message, String name) {
        for (Field f : message.getClass().getDeclaredFields()) {
            if (!Modifier.isStatic(f.getModifiers())
                    && f.getName().equalsIgnoreCase(name.replace("_", ""))) {
                f.setAccessible(true);
                return f;
            }
        }
        throw new IllegalStateException(message.getClass() + " has no " + name);
    }

    static void fill(Message message, short version, boolean nulls) throws Exception {
        for (BoundField bound : schema(message, version).fields()) {
            if (bound.def.type instanceof TaggedFields) {
                for (var tag : tags(bound.def.type))
                    if (random.nextInt(3) > 0)
                        fillMember(message, tag.name, tag.type, version, nulls);
                for (int tag = 1000; random.nextInt(4) == 0; tag += 1 + random.nextInt(1 << 20))
                    message.unknownTaggedFields().add(new RawTaggedField(tag, bytes(random.nextInt(4) * 50)));
            } else {
                fillMember(message, bound.def.name, bound.def.type, version, nulls);
            }
        }
    }

    static void fillMember(Message message, String name, Type type, short version, boolean nulls)
            throws Exception {
        Field member = member(message, name);
        boolean isNull = nulls && random.nextInt(3) == 0 && isNullable(message, member, version);
        member.set(message, isNull ? null
            : value(member.getType(), member.getGenericType(), type, version, nulls));
    }

    /* Schemas do not tell all that may be null: the writer does. */
    static boolean isNullable(Message message, Field member, short version) throws Exception {
        if (member.getType().isPrimitive())
            return false;
        String key = message.getClass().getName() + " " + member.getName() + " " + version;
        if (!NULLABLE.containsKey(key)) {
            Message probe = (Message) make(message.getClass());
            fill(probe, version, false);
            member.set(probe, null);
            try {
                write(probe, version);
                NULLABLE.put(key, true);
            } catch (NullPointerException e) {
                NULLABLE.put(key, false);
            }
        }
        return NULLABLE.get(key);
    }

    static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    static long integer(int bits) {
        long[] edges = {0, 1, -1, -1L << (bits - 1), (1L << (bits - 1)) - 1, 100};
        return random.nextInt(4) == 0 ? random.nextLong() >> (64 - bits) : edges[random.nextInt(edges.length)];
    }

    static Object value(Class<?> java, java.lang.reflect.Type generic, Type type, short version,
            boolean nulls) throws Exception {
        if (java == boolean.class)
            return random.nextBoolean();
        if (java == byte.class || java == Byte.class)
            return (byte) integer(8);
        if (java == short.class || java == Short.class)
            return (short) integer(16);
        if (java == int.class && type == Type.UINT16)
            return (int) integer(16) & 0xffff;
        if (java == int.class || java == Integer.class)
            return (int) integer(32);
        if (java == long.class || java == Long.class)
            return integer(64);
        if (java == double.class)
            return random.nextGaussian();
        if (java == String.class)
            return STRINGS[random.nextInt(STRINGS.length)].repeat(random.nextInt(30) == 0 ? 50 : random.nextInt(3));
        if (java == Uuid.class)
            return new Uuid(random.nextLong(), random.nextLong());
        if (java == byte[].class)
            return bytes(random.nextInt(20));
        if (java == ByteBuffer.class)
            return ByteBuffer.wrap(bytes(random.nextInt(20)));
        if (java.getSimpleName().equals("BaseRecords"))
            return records(bytes(random.nextInt(100)));
        if (Message.class.isAssignableFrom(java)) {
            Message nested = (Message) make(java);
            fill(nested, version, nulls);
            return nested;
        }
        if (!Collection.class.isAssignableFrom(java))
            throw new IllegalStateException("cannot fill " + java);
        @SuppressWarnings("unchecked")
        Collection<Object> list = java == List.class ? new ArrayList<>() : (Collection<Object>) make(java);
        Class<?> element = (Class<?>) ((ParameterizedType) (java == List.class ? generic
            : java.getGenericSuperclass())).getActualTypeArguments()[0];
        Type of = type.arrayElementType().orElseThrow();
        for (int left = random.nextInt(10) == 0 ? (of instanceof Schema ? 4 : 130) : random.nextInt(3); left > 0; left--)
            list.add(value(element, element, of, version, nulls));
        return list;
    }

    /* MemoryRecords has moved between packages from release to release. */
    static Object records(byte[] bytes) throws Exception {
        Class<?> type;
        try {
            type = Class.forName("org.apache.kafka.common.record.internal.MemoryRecords");
        } catch (ClassNotFoundException e) {
            type = Class.forName("org.apache.kafka.common.record.MemoryRecords");
        }
        return type.getMethod("readableRecords", ByteBuffer.class).invoke(null, ByteBuffer.wrap(bytes));
    }

    static void events(StringBuilder out, Message message, short version) throws Exception {
        for (BoundField bound : schema(message, version).fields()) {
            if (!(bound.def.type instanceof TaggedFields)) {
                event(out, bound.def.name, member(message, bound.def.name), message, version);
                continue;
            }
            for (var tag : tags(bound.def.type)) {
                Field member = member(message, tag.name);
                if (!Objects.deepEquals(member.get(message), member.get(make(message.getClass()))))
                    event(out, tag.name, member, message, version);
            }
        }
    }

    /* A null array or struct is told by the type of the member. */
    static void event(StringBuilder out, String name, Field member, Message message, short version)
            throws Exception {
        Object value = member.get(message);
        if (value == null && Message.class.isAssignableFrom(member.getType()))
            out.append(name).append("{~ ").append(name).append("} ");
        else if (value == null && Collection.class.isAssignableFrom(member.getType()))
            out.append(name).append("[~ ").append(name).append("] ");
        else
            event(out, name, value, version);
    }

    static void event(StringBuilder out, String name, Object value, short version) throws Exception {
        if (value instanceof Message) {
            out.append(name).append("{ ");
            events(out, (Message) value, version);
            out.append(name).append("} ");
        } else if (value instanceof Collection) {
            out.append(name).append('[').append(((Collection<?>) value).size()).append(' ');
            for (Object element : (Collection<?>) value)
                event(out, name, element, version);
            out.append(name).append("] ");
        } else {
            out.append(name).append('=').append(text(value)).append(' ');
        }
    }

    static String text(Object value) throws Exception {
        if (value == null)
            return "-1";
        if (value instanceof Boolean)
            return (Boolean) value ? "1" : "0";
        if (value instanceof Double)
            return Long.toString(Double.doubleToRawLongBits((Double) value));
        if (value instanceof Number)
            return value.toString();
        if (value instanceof String)
            return "'" + hex(((String) value).getBytes(StandardCharsets.UTF_8));
        if (value instanceof Uuid)
            return String.format("'%016x%016x", ((Uuid) value).getMostSignificantBits(),
                ((Uuid) value).getLeastSignificantBits());
        if (value instanceof byte[])
            return "'" + hex((byte[]) value);
        if (value.getClass().getSimpleName().equals("MemoryRecords"))
            value = value.getClass().getMethod("buffer").invoke(value);
        ByteBuffer buffer = ((ByteBuffer) value).duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return "'" + hex(bytes);
    }

    static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte b : bytes)
            out.append(String.format("%02x", b));
        return out.toString();
    }
}

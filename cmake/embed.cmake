# Writes the bytes of INPUT as a C array named SYMBOL into OUTPUT.
file(READ "${INPUT}" hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE "${OUTPUT}.new" "#include <stddef.h>\n\
extern const unsigned char ${SYMBOL}[];\nextern const size_t ${SYMBOL}_bytes;\n\
const unsigned char ${SYMBOL}[] = {\n${hex}0x00};\nconst size_t ${SYMBOL}_bytes = ${bytes};\n")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
